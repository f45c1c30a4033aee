import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { openFileLock } from '../../docs/start/file-lock.ts';
import { memoryLog } from '../stand-in-server.ts';
import { type LockConfig, openLock } from './drivers.ts';
import type { Lock, LockParts, Pulse } from './lock.ts';
import { openSimulatedLock, pulsesFileName } from './simulated.ts';
import {
  esphomeLock,
  type MqttDevice,
  plainMqttRelay,
  StandInBroker,
  tasmota,
  zigbee2mqtt,
} from './stand-in-broker.ts';
import { homeAssistant, plainRelay, StandInDevice, shelly } from './stand-in-device.ts';

/** What the contract needs of a driver's hardware: a lock to command, and a look at what really moved. */
interface Rig {
  open(): Promise<Lock>;
  /** What the hardware knows of each pulse. */
  moved(): Promise<Partial<Pulse>[]>;
  /** Whether the hardware stands released now; only for hardware that does not lock by itself. */
  released?: () => boolean;
  /** Takes the hardware away. */
  unplug?: () => Promise<void>;
  /** From now on the hardware hears and says nothing. */
  silence?: () => void;
  close(): Promise<void>;
}

const at = () => '2026-01-01T00:00:00.000Z';
const nonce = () => randomBytes(32).toString('base64url');
const door = { id: 3, name: 'Front door' };
const parts = (folder: string): LockParts => ({
  door,
  folder,
  at,
  nonce,
  log: memoryLog(),
  onReport: () => {},
});

const rigs: Record<string, (folder: string) => Promise<Rig>> = {
  simulated: async (folder) => ({
    open: () => openSimulatedLock(parts(folder)),
    moved: () => pulsesIn(folder),
    close: async () => {},
  }),
  file: async (folder) => {
    const path = join(folder, 'brightness');
    await writeFile(path, '0');
    let pulses = 0;
    return {
      open: async () => counted(await openFileLock({ driver: 'file', path }, parts(folder)), () => pulses++),
      moved: async () => Array.from({ length: pulses }, () => ({})),
      released: () => readFileSync(path, 'utf8') === '1',
      unplug: () => rm(path),
      close: async () => {},
    };
  },
  'http, with a relock,': async (folder) => {
    const device = await StandInDevice.start(plainRelay);
    return onDevice(folder, device, {
      driver: 'http',
      unlock: { url: `${device.url}/open?ms={pulse_ms}&command={command_id}` },
      relock: { url: `${device.url}/shut` },
      check: { url: `${device.url}/state`, expect: { field: 'relay.on' } },
    });
  },
  shelly: async (folder) => {
    const device = await StandInDevice.start(shelly());
    return onDevice(folder, device, { driver: 'shelly', url: device.url });
  },
  'shelly, with a password,': async (folder) => {
    const device = await StandInDevice.start(shelly('hush hush'));
    const password_file = join(folder, 'password');
    await writeFile(password_file, 'hush hush\n');
    return onDevice(folder, device, { driver: 'shelly', url: device.url, password_file });
  },
  home_assistant: async (folder) => {
    const device = await StandInDevice.start(homeAssistant('long-lived'));
    const token_file = join(folder, 'token');
    await writeFile(token_file, 'long-lived\n');
    const config = { url: device.url, entity: 'lock.front_door', token_file };
    return onDevice(folder, device, { driver: 'home_assistant', ...config });
  },
};

const overMqtt: Record<
  string,
  { device: MqttDevice; config: (url: string) => LockConfig; relocks: boolean }
> = {
  'mqtt, with state and relock,': {
    device: plainMqttRelay,
    config: (url) => ({
      driver: 'mqtt',
      url,
      command_topic: 'relay/do',
      unlock_payload: '{"on":true,"ms":{pulse_ms},"command":"{command_id}"}',
      relock_payload: '{"on":false}',
      state: { topic: 'relay/is', field: 'on', unlocked: 'true', locked: 'false' },
    }),
    relocks: true,
  },
  'zigbee2mqtt lock': {
    device: zigbee2mqtt,
    config: (url) => ({ driver: 'zigbee2mqtt', url, device: 'Front door', kind: 'lock' }),
    relocks: true,
  },
  'zigbee2mqtt relay': {
    device: zigbee2mqtt,
    config: (url) => ({ driver: 'zigbee2mqtt', url, device: 'Front door', kind: 'relay' }),
    relocks: true,
  },
  'esphome lock': {
    device: esphomeLock,
    config: (url) => ({ driver: 'esphome', url, topic_prefix: 'porch', kind: 'lock', id: 'strike' }),
    relocks: true,
  },
  tasmota: {
    device: tasmota,
    config: (url) => ({ driver: 'tasmota', url, topic: 'porch' }),
    relocks: false,
  },
};

for (const [name, { device, config, relocks }] of Object.entries(overMqtt)) {
  rigs[name] = async (folder) => {
    const broker = await StandInBroker.start(device);
    return {
      open: async () => {
        const lock = await openLock(config(broker.url), parts(folder));
        // Only with hardware there: a check waits for the connection.
        if (!broker.gone) await lock.check();
        return lock;
      },
      moved: async () => {
        await broker.settled();
        return broker.moved;
      },
      ...(relocks ? { released: () => broker.released } : {}),
      unplug: () => broker.close(),
      silence: () => broker.silence(),
      close: () => broker.close(),
    };
  };
}

/** A file remembers no history: pulses are counted as they are carried out. */
function counted(lock: Lock, count: () => void): Lock {
  const pulse = async (one: Pulse) => {
    const moved = await lock.pulse(one);
    count();
    return moved;
  };
  return { pulse, check: () => lock.check(), close: () => lock.close() };
}

function onDevice(folder: string, device: StandInDevice, config: LockConfig): Rig {
  const relocks = config.driver === 'http' || config.driver === 'home_assistant';
  return {
    open: () => openLock(config, parts(folder)),
    moved: async () => device.moved,
    ...(relocks ? { released: () => device.released } : {}),
    unplug: () => device.close(),
    silence: () => {
      device.handle = () => null;
    },
    close: () => device.close(),
  };
}

describe('every lock', { concurrency: true }, () => {
  for (const [driver, start] of Object.entries(rigs)) contract(driver, start);
});

function contract(driver: string, start: (folder: string) => Promise<Rig>): void {
  describe(`the ${driver} lock`, { concurrency: 1, timeout: 60_000 }, () => {
    let folder: string;
    let rig: Rig;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'postern-lock-'));
      rig = await start(folder);
    });
    afterEach(async () => {
      await rig.close();
      await rm(folder, { recursive: true });
    });

    it('moves once for each pulse, as long as it was told', async () => {
      const lock = await rig.open();
      assert.equal(await lock.pulse({ command_id: 'a', pulse_ms: 3_000 }), 'done');
      await Promise.all(['b', 'c'].map((command_id) => lock.pulse({ command_id, pulse_ms: 500 })));
      await lock.close();
      const moved = [...(await rig.moved())];
      const expected = [
        { command_id: 'a', pulse_ms: 3_000 },
        { command_id: 'b', pulse_ms: 500 },
        { command_id: 'c', pulse_ms: 500 },
      ];
      moved.sort((one, other) => ((one.command_id ?? '') < (other.command_id ?? '') ? -1 : 1));
      assert.equal(moved.length, expected.length);
      for (const [index, pulse] of moved.entries())
        assert.deepEqual({ ...expected[index], ...pulse }, expected[index]);
    });

    it('does not wait for the end of the pulse', async () => {
      const lock = await rig.open();
      const longest = lock.pulse({ command_id: 'long', pulse_ms: 60_000 });
      const timer = Promise.withResolvers<string>();
      const late = setTimeout(() => timer.resolve('late'), 2_000);
      assert.equal(await Promise.race([longest, timer.promise]), 'done');
      clearTimeout(late);
      await lock.close();
    });

    it('says in a sentence what it is, and moves nothing for that', async () => {
      const lock = await rig.open();
      assert.match(await lock.check(), /\w+ \w+/);
      assert.deepEqual(await rig.moved(), []);
      await lock.close();
    });

    it('rejects and stays where it is once closed, and may be closed twice', async () => {
      const lock = await rig.open();
      await lock.close();
      await lock.close();
      await assert.rejects(lock.pulse({ command_id: 'late', pulse_ms: 1 }), /[.]$/);
      assert.deepEqual(await rig.moved(), []);
    });

    it('is locked by the time it is closed', async (t) => {
      if (rig.released === undefined) return t.skip('it locks by itself');
      const lock = await rig.open();
      await lock.pulse({ command_id: 'a', pulse_ms: 60_000 });
      assert.equal(rig.released(), true);
      await lock.close();
      assert.equal(rig.released(), false);
    });

    it('opens without its hardware, and says that it did not move', async (t) => {
      if (rig.unplug === undefined) return t.skip('it has no hardware');
      await rig.unplug();
      const lock = await rig.open();
      await assert.rejects(lock.pulse({ command_id: 'a', pulse_ms: 100 }), /[.]$/);
      await assert.rejects(lock.check(), /[.]$/);
      await lock.close();
    });

    it('says "unknown" in time when its hardware does not answer', async (t) => {
      if (rig.silence === undefined) return t.skip('it has no hardware');
      const lock = await rig.open();
      await lock.check();
      rig.silence();
      const checked = assert.rejects(lock.check(), /[.]$/);
      assert.equal(await lock.pulse({ command_id: 'a', pulse_ms: 60_000 }), 'unknown');
      await checked;
      await lock.close();
    });
  });
}

describe('the page about drivers', () => {
  it('shows the driver that is tested here', async () => {
    const page = await readFile(new URL('../../docs/start/write-a-driver.md', import.meta.url), 'utf8');
    const code = await readFile(new URL('../../docs/start/file-lock.ts', import.meta.url), 'utf8');
    assert.ok(page.includes(`\`\`\`ts\n${code.replaceAll("'../../agent/locks/", "'./")}\`\`\`\n`));
  });
});

describe('the simulated lock, besides', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-lock-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('writes one line of JSON that only its owner can read, and tells its spectator', async () => {
    const seen: unknown[] = [];
    const onPulse = (which: object, pulse_ms: number) => seen.push([which, pulse_ms]);
    const lock = await openSimulatedLock({ ...parts(folder), onPulse });
    await lock.pulse({ command_id: 'a', pulse_ms: 3_000 });
    await lock.close();
    const content = await readFile(join(folder, pulsesFileName), 'utf8');
    const line = { at: at(), door_id: 3, door: 'Front door', command_id: 'a', pulse_ms: 3_000 };
    assert.equal(content, `${JSON.stringify(line)}\n`);
    assert.equal((await stat(join(folder, pulsesFileName))).mode & 0o777, 0o600);
    assert.deepEqual(seen, [[door, 3_000]]);
  });

  it('has moved even if its spectator fails', async () => {
    const onPulse = () => {
      throw new Error('no audience');
    };
    const lock = await openSimulatedLock({ ...parts(folder), onPulse });
    await lock.pulse({ command_id: 'a', pulse_ms: 1 });
    await lock.close();
  });
});

async function pulsesIn(folder: string): Promise<Pulse[]> {
  const content = await readFile(join(folder, pulsesFileName), 'utf8');
  const lines = content.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line)).map(({ command_id, pulse_ms }) => ({ command_id, pulse_ms }));
}
