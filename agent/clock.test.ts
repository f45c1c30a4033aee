import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentClock, agreementMs, stepMsMax } from './clock.ts';
import { MemoryDisk, memoryCore } from './stand-in-disk.ts';

const secondMs = 1_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const noon = Date.parse('2026-06-15T12:00:00.000Z');
const instant = (ms: number) => new Date(ms).toISOString();

/** A machine whose own clock may be set; its disk stays over restarts. */
function machine(startMs = noon) {
  const disk = new MemoryDisk();
  const state = { systemMs: startMs, monotonicMs: 5_000 };
  const alarms: string[] = [];
  return {
    disk,
    state,
    alarms,
    pass(ms: number) {
      state.systemMs += ms;
      state.monotonicMs += ms;
    },
    async boot() {
      const clock = new AgentClock({
        systemMs: () => state.systemMs,
        monotonicMs: () => state.monotonicMs,
        file: disk.file('clock.json'),
        onAlarm: (message) => alarms.push(message),
      });
      await clock.open();
      return clock;
    },
  };
}

const steps = [secondMs, 5 * secondMs, 60 * secondMs, hourMs - 1, hourMs + 1, 12 * hourMs, dayMs];
const everyStep = [...steps, ...steps.map((step) => -step)];
const farOff = ['1970-01-01T00:00:00.000Z', '2038-01-19T03:14:08.000Z', '2106-02-07T06:28:16.000Z'];

describe('the clock of an agent', () => {
  it('does not know the time before anybody has said it, whatever the machine shows', async () => {
    for (const ms of [noon, ...farOff.map(Date.parse)]) assert.equal((await machine(ms).boot()).now(), null);
  });

  it('does not follow jumps of the machine while it runs', async () => {
    for (const ms of [...everyStep.map((step) => noon + step), ...farOff.map(Date.parse)]) {
      const { boot, state } = machine();
      const clock = await boot();
      assert.equal(clock.learn(instant(noon)), true);
      state.systemMs = ms;
      state.monotonicMs += 7 * secondMs;
      assert.equal(clock.now(), instant(noon + 7 * secondMs), instant(ms));
    }
  });

  it('set back over a restart revives nothing', async () => {
    for (const ms of [...steps.map((step) => noon - step), Date.parse(farOff[0] ?? '')]) {
      const { boot, state } = machine();
      (await boot()).learn(instant(noon));
      state.systemMs = ms;
      const nowMs = (await boot()).nowMs();
      assert.ok(nowMs === null || nowMs >= noon, `${instant(ms)} became ${nowMs}`);
      assert.equal(nowMs === null, noon - ms > 2 * secondMs, instant(ms));
    }
  });

  it('set back over a restart revives no hour that passed without the server', async () => {
    const { boot, state, pass } = machine();
    const clock = await boot();
    clock.learn(instant(noon));
    pass(5 * hourMs);
    await clock.keep();
    state.systemMs = noon + hourMs;
    assert.equal((await boot()).now(), null);
    state.systemMs = noon + 5 * hourMs;
    assert.equal((await boot()).now(), instant(noon + 5 * hourMs));
  });

  it('set forward over a restart is believed, and never kept against the word of the server', async () => {
    const { boot, state, pass } = machine();
    (await boot()).learn(instant(noon));
    state.systemMs = noon + 400 * dayMs;
    const wrong = await boot();
    assert.equal(wrong.now(), instant(noon + 400 * dayMs));
    await wrong.keep();
    state.systemMs = noon + 60 * secondMs;
    const right = await boot();
    assert.equal(right.now(), instant(noon + 60 * secondMs));
    pass(secondMs);
    assert.equal(right.learn(instant(noon + 61 * secondMs)), true);
  });

  it('follows statements within an hour at once, but never behind what was signed before', async () => {
    for (const step of everyStep.filter((ms) => Math.abs(ms) <= stepMsMax)) {
      const { boot, alarms } = machine();
      const clock = await boot();
      clock.learn(instant(noon));
      assert.equal(clock.learn(instant(noon + step)), step > 0, `${step}`);
      assert.equal(clock.now(), instant(Math.max(noon, noon + step)));
      assert.deepEqual(alarms, []);
    }
  });

  it('is not set back by a statement that was long under way', async () => {
    for (const lateMs of [3 * secondMs, 60 * secondMs, hourMs - 1]) {
      const { boot, pass, alarms } = machine();
      const clock = await boot();
      clock.learn(instant(noon));
      pass(2 * hourMs);
      assert.equal(clock.learn(instant(noon + 2 * hourMs)), true);
      pass(hourMs);
      assert.equal(clock.learn(instant(noon + 3 * hourMs - lateMs)), true);
      assert.equal(clock.now(), instant(noon + 3 * hourMs), `${lateMs}`);
      assert.deepEqual(alarms, []);
    }
  });

  it('has run ahead when every statement says so for 10 minutes', async () => {
    const { boot, pass, state } = machine();
    const clock = await boot();
    clock.learn(instant(noon));
    state.monotonicMs += 30 * secondMs; // which no other clock has seen passing
    for (let passedMs = 60 * secondMs; passedMs <= agreementMs; passedMs += 60 * secondMs) {
      pass(60 * secondMs);
      clock.learn(instant(noon + passedMs));
      assert.equal(clock.now(), instant(noon + passedMs + 30 * secondMs));
    }
    pass(60 * secondMs);
    clock.learn(instant(noon + agreementMs + 60 * secondMs));
    assert.equal(clock.now(), instant(noon + agreementMs + 60 * secondMs));
  });

  it('comes back to the server from a fast clock, as long as that was not signed before', async () => {
    const { boot, pass } = machine();
    const clock = await boot();
    clock.learn(instant(noon));
    pass(60 * secondMs);
    await clock.keep();
    assert.equal(clock.learn(instant(noon + 59 * secondMs)), true);
    assert.equal(clock.now(), instant(noon + 59 * secondMs));
  });

  it('refuses a step of more than an hour with an alarm, until two statements 10 minutes apart agree', async () => {
    for (const ms of [noon + stepMsMax + 1, noon + dayMs, ...farOff.slice(1).map(Date.parse)]) {
      const { boot, alarms, pass } = machine();
      const clock = await boot();
      clock.learn(instant(noon));
      assert.equal(clock.learn(instant(ms)), false);
      assert.equal(clock.now(), instant(noon));
      assert.equal(alarms.length, 1);
      assert.match(alarms[0] ?? '', /not believed unless it says so again in 10 minutes/);
      pass(agreementMs - secondMs);
      assert.equal(clock.learn(instant(ms + agreementMs - secondMs)), false, 'too soon');
      pass(secondMs);
      assert.equal(clock.learn(instant(ms + agreementMs)), true);
      assert.equal(clock.now(), instant(ms + agreementMs));
      assert.equal(alarms.length, 1);
    }
  });

  it('does not believe two statements that do not agree', async () => {
    const { boot, alarms, pass } = machine();
    const clock = await boot();
    clock.learn(instant(noon));
    clock.learn(instant(noon + dayMs));
    pass(agreementMs);
    assert.equal(clock.learn(instant(noon + dayMs + agreementMs + 61 * secondMs)), false);
    assert.equal(clock.learn(instant(noon + dayMs)), false);
    assert.equal(alarms.length, 3);
    assert.equal(clock.now(), instant(noon + agreementMs));
  });

  it('forgets a strange statement when the server comes to its senses', async () => {
    const { boot, pass } = machine();
    const clock = await boot();
    clock.learn(instant(noon));
    clock.learn(instant(noon + dayMs));
    pass(60 * secondMs);
    assert.equal(clock.learn(instant(noon + 60 * secondMs)), true);
    pass(agreementMs);
    assert.equal(clock.learn(instant(noon + dayMs + agreementMs + 60 * secondMs)), false);
  });

  it('never goes behind the floor however often the server says so; set-time does', async () => {
    const { boot, state, alarms, pass } = machine();
    const clock = await boot();
    clock.learn(instant(noon));
    for (let minute = 0; minute <= 30; minute++) {
      assert.equal(clock.learn(instant(noon - dayMs + minute * 60 * secondMs)), false);
      pass(60 * secondMs);
    }
    assert.match(alarms.at(-1) ?? '', /only set-time sets the clock back/);
    assert.ok((clock.nowMs() ?? 0) >= noon);
    clock.set(instant(noon - dayMs));
    assert.equal(clock.now(), instant(noon - dayMs));
    state.systemMs = noon - dayMs + secondMs;
    assert.equal((await boot()).now(), instant(noon - dayMs + secondMs));
  });

  it('does not know the time when its file cannot be read, until the server or a person says it', async () => {
    for (const text of ['', '{', 'null', '{"floor":1}', '{"floor":"yesterday"}', '{"floor":"2026-06-15"}']) {
      const { boot, alarms, disk } = machine();
      disk.texts.set('clock.json', text);
      const clock = await boot();
      assert.equal(clock.now(), null, text);
      assert.match(alarms[0] ?? '', /cannot be read/);
      assert.equal(clock.learn(instant(noon)), true);
      assert.equal(clock.now(), instant(noon));
      assert.equal((await boot()).now(), instant(noon));
      disk.texts.set('clock.json', text);
      const other = await boot();
      other.set(instant(noon));
      assert.equal(other.now(), instant(noon));
    }
  });

  it('raises an alarm when the time cannot be kept, and goes on', async () => {
    const { boot, alarms, disk } = machine();
    const clock = await boot();
    disk.isFull = true;
    clock.learn(instant(noon));
    await clock.keep();
    assert.equal(clock.now(), instant(noon));
    assert.match(alarms[0] ?? '', /The time was not kept: .*ENOSPC/);
  });

  it('is written down every minute, and at the end', async () => {
    const disk = new MemoryDisk();
    const timers: { ms: number; work: () => void }[] = [];
    let monotonicMs = 0;
    const after = (ms: number, work: () => void) => {
      timers.push({ ms, work });
      return () => {};
    };
    const core = memoryCore({ after, monotonicMs: () => monotonicMs }, disk);
    await core.open();
    core.clock.learn(instant(noon));
    monotonicMs += 60 * secondMs;
    const minute = timers.find(({ ms }) => ms === 60 * secondMs);
    minute?.work();
    assert.equal(disk.texts.get('clock.json'), `{"floor":"${instant(noon + 60 * secondMs)}"}\n`);
    monotonicMs += secondMs;
    await core.close();
    assert.equal(disk.texts.get('clock.json'), `{"floor":"${instant(noon + 61 * secondMs)}"}\n`);
  });
});
