import { type Static, Type } from 'typebox';
import { openHttpLock } from './http.ts';
import { HttpLockConfig } from './http-config.ts';
import {
  HomeAssistantLockConfig,
  openHomeAssistantLock,
  openShellyLock,
  ShellyLockConfig,
} from './http-presets.ts';
import type { Lock, LockParts } from './lock.ts';
import { openMqttLock } from './mqtt.ts';
import {
  EsphomeLockConfig,
  MqttLockConfig,
  TasmotaLockConfig,
  Zigbee2mqttLockConfig,
} from './mqtt-config.ts';
import { openEsphomeLock, openTasmotaLock, openZigbee2mqttLock } from './mqtt-presets.ts';
import { openSimulatedLock, SimulatedLockConfig } from './simulated.ts';

/** What the agent's file may say about a lock: one of these, told apart by `driver`. */
export const LockConfig = Type.Union([
  SimulatedLockConfig,
  HttpLockConfig,
  ShellyLockConfig,
  HomeAssistantLockConfig,
  MqttLockConfig,
  Zigbee2mqttLockConfig,
  EsphomeLockConfig,
  TasmotaLockConfig,
]);
export type LockConfig = Static<typeof LockConfig>;

/** Rejects with a sentence when the lock cannot be driven with these settings; hardware that is away for now is no reason. */
export async function openLock(config: LockConfig, parts: LockParts): Promise<Lock> {
  switch (config.driver) {
    case 'simulated':
      return openSimulatedLock(parts);
    case 'http':
      return openHttpLock(config, parts);
    case 'shelly':
      return openShellyLock(config, parts);
    case 'home_assistant':
      return openHomeAssistantLock(config, parts);
    case 'mqtt':
      return openMqttLock(config, parts);
    case 'zigbee2mqtt':
      return openZigbee2mqttLock(config, parts);
    case 'esphome':
      return openEsphomeLock(config, parts);
    case 'tasmota':
      return openTasmotaLock(config, parts);
  }
}
