import type { Lock, LockParts } from './lock.ts';
import { openPlannedLock } from './mqtt.ts';
import type { EsphomeLockConfig, TasmotaLockConfig, Zigbee2mqttLockConfig } from './mqtt-config.ts';

/*
 * Devices whose topics are known, as plans of the mqtt driver.
 */

/** A lock is locked again by the agent; a relay is told how long, and told to end as well, for those that do not know `on_time`. */
export function openZigbee2mqttLock(config: Zigbee2mqttLockConfig, parts: LockParts): Promise<Lock> {
  const base = config.base_topic ?? 'zigbee2mqtt';
  const [unlocked, locked] = config.kind === 'lock' ? ['UNLOCK', 'LOCK'] : ['ON', 'OFF'];
  return openPlannedLock(config, parts, {
    what: `Zigbee2MQTT's ${config.kind} "${config.device}"`,
    command_topic: `${base}/${config.device}/set`,
    unlock: ({ pulse_ms }) =>
      JSON.stringify(
        config.kind === 'lock' ? { state: unlocked } : { state: unlocked, on_time: pulse_ms / 1_000 },
      ),
    relock: JSON.stringify({ state: locked }),
    states: [
      {
        topic: `${base}/${config.device}`,
        field: 'state',
        unlocked: [unlocked ?? ''],
        locked: [locked ?? ''],
      },
    ],
    offline: [
      { topic: `${base}/bridge/state`, field: 'state', says: 'offline' },
      { topic: `${base}/bridge/state`, says: 'offline' },
    ],
  });
}

export function openEsphomeLock(config: EsphomeLockConfig, parts: LockParts): Promise<Lock> {
  const { kind, id, topic_prefix } = config;
  const base = `${topic_prefix}/${kind}/${id}`;
  const words = {
    lock: { unlock: 'UNLOCK', relock: 'LOCK', unlocked: ['UNLOCKED', 'UNLOCKING'], locked: ['LOCKED'] },
    switch: { unlock: 'ON', relock: 'OFF', unlocked: ['ON'], locked: ['OFF'] },
    button: { unlock: 'PRESS', relock: undefined, unlocked: [], locked: [] },
  }[kind];
  return openPlannedLock(config, parts, {
    what: `ESPHome's ${kind} "${id}" of ${topic_prefix}`,
    command_topic: `${base}/command`,
    unlock: () => words.unlock,
    relock: words.relock,
    states:
      kind === 'button' ? [] : [{ topic: `${base}/state`, unlocked: words.unlocked, locked: words.locked }],
    offline: [{ topic: `${topic_prefix}/status`, says: 'offline' }],
  });
}

/** The device ends the pulse by itself: how long it is travels in the same message as the command, so one never comes without the other. */
export function openTasmotaLock(config: TasmotaLockConfig, parts: LockParts): Promise<Lock> {
  const { topic, relay = 1 } = config;
  const names = relay === 1 ? ['POWER', 'POWER1'] : [`POWER${relay}`];
  return openPlannedLock(config, parts, {
    what: `Tasmota's relay ${relay} of ${topic}`,
    command_topic: `cmnd/${topic}/Backlog0`,
    unlock: ({ pulse_ms }) => `PulseTime${relay} ${tasmotaPulseTime(pulse_ms)}; Power${relay} ON`,
    relock: undefined,
    states: names.map((name) => ({ topic: `stat/${topic}/${name}`, unlocked: ['ON'], locked: ['OFF'] })),
    offline: [{ topic: `tele/${topic}/LWT`, says: 'Offline' }],
  });
}

const tenthsMax = 111;
const secondsOffset = 100;

/** Tasmota counts 1 to 111 in tenths of a second, and from 112 on in seconds, less 100. Never shorter than asked for. */
export function tasmotaPulseTime(pulse_ms: number): number {
  const tenths = Math.max(1, Math.ceil(pulse_ms / 100));
  return tenths <= tenthsMax ? tenths : Math.ceil(pulse_ms / 1_000) + secondsOffset;
}
