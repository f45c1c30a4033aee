import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { memoryLog } from '../stand-in-server.ts';
import { type LockConfig, openLock } from './drivers.ts';
import type { SensorReport } from './lock.ts';
import { tasmotaPulseTime } from './mqtt-presets.ts';
import { esphomeLock, type MqttDevice, plainMqttRelay, StandInBroker, tasmota } from './stand-in-broker.ts';

describe('the mqtt lock, besides', { timeout: 60_000 }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-mqtt-'));
  });
  after(() => rm(folder, { recursive: true }));

  let nonces = 0;
  const plain = (url: string, more: object = {}): LockConfig => ({
    driver: 'mqtt',
    url,
    command_topic: 'relay/do',
    unlock_payload: '{"on":true,"ms":{pulse_ms}}',
    ...more,
  });

  async function setUp(device: MqttDevice, password: string | null = null) {
    const open = new AsyncDisposableStack();
    const broker = await StandInBroker.start(device, password);
    open.defer(() => broker.close());
    const log = memoryLog();
    const reports = new Reports();
    const lockWith = async (config: LockConfig) => {
      const lock = await openLock(config, {
        door: { id: 7, name: 'Front door' },
        folder,
        at: () => '2026-01-01T00:00:00.000Z',
        nonce: () => `nonce${nonces++}`,
        log,
        onReport: (report) => reports.add(report),
      });
      open.defer(() => lock.close());
      return lock;
    };
    return { broker, log, reports, lockWith, [Symbol.asyncDispose]: () => open.disposeAsync() };
  }

  it('refuses at once while the broker is away, comes back by itself, and has kept nothing', async () => {
    await using all = await setUp(plainMqttRelay);
    const lock = await all.lockWith(plain(all.broker.url, { assume_done: true }));
    await lock.check();
    all.broker.cut();
    await assert.rejects(lock.check(), /the MQTT broker .*[.]$/);
    await assert.rejects(lock.pulse({ command_id: 'lost', pulse_ms: 111 }), /There is no connection/);
    await all.broker.heal(all.broker.port);
    while (!(await lock.check().then(Boolean, () => false)));
    assert.equal(await lock.pulse({ command_id: 'kept', pulse_ms: 222 }), 'done');
    await all.broker.settled();
    assert.deepEqual(
      all.broker.commands.map(({ payload }) => JSON.parse(payload).ms),
      [222],
    );
  });

  it('throws away what a broker that fell silent has not taken', async () => {
    await using all = await setUp(plainMqttRelay);
    const lock = await all.lockWith(plain(all.broker.url, { assume_done: true }));
    await lock.check();
    all.broker.silence();
    assert.equal(await lock.pulse({ command_id: 'lost', pulse_ms: 111 }), 'unknown');
    assert.equal(await all.broker.ended.promise, 'ECONNRESET');
    all.broker.speak();
    while (!(await lock.check().then(Boolean, () => false)));
    assert.deepEqual(all.broker.commands, []);
  });

  it('sends commands that are neither retained nor acknowledged', async () => {
    await using all = await setUp(plainMqttRelay);
    const lock = await all.lockWith(plain(all.broker.url, { relock_payload: '{"on":false}' }));
    await lock.check();
    await lock.pulse({ command_id: 'a', pulse_ms: 60_000 });
    await lock.close();
    assert.equal(all.broker.commands.length, 2);
    for (const { retain, qos } of all.broker.commands)
      assert.deepEqual({ retain, qos }, { retain: false, qos: 0 });
  });

  it('is as honest as its settings: without a confirmation it does not know', async () => {
    await using all = await setUp(plainMqttRelay);
    const pulse = { command_id: 'a', pulse_ms: 1 };
    const [silent, assuming, reporting] = [
      await all.lockWith(plain(all.broker.url)),
      await all.lockWith(plain(all.broker.url, { assume_done: true })),
      await all.lockWith(
        plain(all.broker.url, { state: { topic: 'nobody/says', unlocked: 'on', locked: 'off' } }),
      ),
    ];
    for (const lock of [silent, assuming, reporting]) await lock.check();
    assert.equal(await silent.pulse(pulse), 'unknown');
    assert.equal(await assuming.pulse(pulse), 'done');
    assert.equal(await reporting.pulse(pulse), 'unknown');
    await all.broker.settled();
    assert.equal(all.broker.moved.length, 3);
  });

  it('does not take a retained state for a confirmation', async () => {
    await using all = await setUp({ ...plainMqttRelay, obey: () => {} });
    all.broker.say('relay/is', 'on', true);
    await all.broker.settled();
    const state = { topic: 'relay/is', unlocked: 'on', locked: 'off' };
    const lock = await all.lockWith(plain(all.broker.url, { state }));
    await all.reports.said({ locked: false });
    assert.equal(await lock.pulse({ command_id: 'a', pulse_ms: 1 }), 'unknown');
  });

  it('reports what the sensors say, the contact of the door among them', async () => {
    await using all = await setUp(plainMqttRelay);
    all.broker.say('contact', '{"contact":false}', true);
    const lock = await all.lockWith(
      plain(all.broker.url, {
        state: { topic: 'relay/is', field: 'on', unlocked: 'true', locked: 'false' },
        contact: { topic: 'contact', field: 'contact', open: 'false', closed: 'true' },
      }),
    );
    await all.reports.said({ open: true });
    await lock.pulse({ command_id: 'a', pulse_ms: 1 });
    await all.reports.said({ locked: false });
    all.broker.say('contact', '{"contact":true}');
    await all.reports.said({ open: false });
    all.broker.say('contact', 'no JSON');
    all.broker.say('contact', '{"contact":"ajar"}');
    all.broker.say('relay/is', '{"on":false}');
    await all.reports.said({ locked: true });
    assert.equal(all.reports.all.length, 4);
  });

  it('sends nothing to a device whose last will was told', async () => {
    await using all = await setUp(esphomeLock);
    const config = { url: all.broker.url, topic_prefix: 'porch', kind: 'lock', id: 'strike' } as const;
    const lock = await all.lockWith({ driver: 'esphome', ...config });
    await lock.check();
    all.broker.pullOut();
    while (await lock.check().then(Boolean, () => false));
    await assert.rejects(lock.check(), /ESPHome's lock "strike" of porch is offline/);
    await assert.rejects(lock.pulse({ command_id: 'a', pulse_ms: 1 }), /is offline; nothing was sent[.]$/);
    assert.deepEqual(all.broker.commands, []);
  });

  it('says who it is with a password from a file, which nobody else gets to see', async () => {
    await using all = await setUp(plainMqttRelay, 'hush-hush');
    await writeFile(join(folder, 'right'), 'hush-hush\n');
    await writeFile(join(folder, 'wrong'), 'wrong-wrong\n');
    const lockOf = (file: string) =>
      all.lockWith(plain(all.broker.url, { user: 'door', password_file: join(folder, file) }));
    await (await lockOf('right')).check();
    const wrong = await lockOf('wrong');
    await assert.rejects(wrong.check(), (error: Error) => {
      assert.match(error.message, /^There is no connection to the MQTT broker .*[Nn]ot authorized.*[.]$/);
      assert.doesNotMatch(error.message + all.log.lines.join(), /wrong-wrong|hush/);
      return true;
    });
  });

  it('refuses topics with wildcards', async () => {
    await using all = await setUp(plainMqttRelay);
    for (const topic of ['doors/+/set', 'doors/#', '$SYS/x', '', 'a\u0000b']) {
      const contact = { topic, open: 'on', closed: 'off' };
      await assert.rejects(
        all.lockWith(plain(all.broker.url, { command_topic: topic })),
        /is no topic for a lock/,
      );
      await assert.rejects(all.lockWith(plain(all.broker.url, { contact })), /is no topic for a lock/);
    }
  });

  it('tells Tasmota the length of a pulse, never a shorter one, in the message of the command', async () => {
    await using all = await setUp(tasmota);
    const lock = await all.lockWith({ driver: 'tasmota', url: all.broker.url, topic: 'porch' });
    await lock.check();
    assert.equal(await lock.pulse({ command_id: 'a', pulse_ms: 3_000 }), 'done');
    assert.deepEqual(
      all.broker.commands.map(({ payload }) => payload),
      ['PulseTime1 30; Power1 ON'],
    );
    const times = [1, 100, 101, 11_100, 11_101, 12_000, 12_001, 60_000].map(tasmotaPulseTime);
    assert.deepEqual(times, [1, 1, 2, 111, 112, 112, 113, 160]);
  });
});

/** What was reported, and a wait for it. */
class Reports {
  readonly all: SensorReport[] = [];
  #waiting: (() => void)[] = [];

  add(report: SensorReport): void {
    this.all.push(report);
    for (const look of this.#waiting.splice(0)) look();
  }

  async said(report: SensorReport): Promise<void> {
    const wanted = JSON.stringify(report);
    while (JSON.stringify(this.all.at(-1)) !== wanted)
      await new Promise<void>((found) => this.#waiting.push(found));
  }
}
