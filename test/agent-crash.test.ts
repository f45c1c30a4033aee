import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { AgentHouse } from './agent-house.ts';
import { figure, report } from './figures.ts';
import { randomFrom, seed } from './seed.ts';
import { until } from './serve-process.ts';

/* A real agent is killed around the pulse of a lock that is told by HTTP; the device is here, and counts. */

const rounds = figure({ small: 5, large: 100 });
const random = randomFrom(seed);
let house: AgentHouse;
/** The commands that have reached the device: from then on the lock may have moved. */
const pulses: string[] = [];
let onPulse: (() => void) | null = null;
const device = createServer((request, response) => {
  pulses.push(request.url?.slice(1) ?? '');
  if (onPulse === null) response.end('OK');
  else onPulse();
});

before(async () => {
  device.listen(0, '127.0.0.1');
  await once(device, 'listening');
  const { port } = device.address() as AddressInfo; // it listens on TCP
  house = await AgentHouse.open({ driver: 'http', unlock: { url: `http://127.0.0.1:${port}/{command_id}` } });
});
after(async () => {
  await house?.[Symbol.asyncDispose]();
  device.closeAllConnections();
  device.close();
});

/** Each shows the pass and kills the agent at its moment. */
const moments: Record<string, (text: string) => Promise<void>> = {
  async 'before the intent'(text) {
    const { answer } = house.present(text);
    await pause(random() * 30);
    await house.kill();
    await answer;
  },
  async 'between intent and pulse'(text) {
    const before = house.recorded().length;
    const { answer } = house.present(text);
    await until('the intent is written', () => {
      for (let look = 0; look < 50; look++) if (house.recorded().length > before) return true;
      return false;
    });
    await house.kill();
    await answer;
  },
  async 'in the middle of the pulse'(text) {
    const arrived = new Promise<void>((resolve) => (onPulse = resolve));
    const { answer } = house.present(text);
    await arrived;
    await house.kill();
    onPulse = null;
    await answer;
  },
  async 'before it is told'(text) {
    assert.equal(await house.present(text).answer, 'granted');
    await house.kill();
  },
};

describe('an agent that is killed', () => {
  for (const [moment, kill] of Object.entries(moments))
    it(`${moment}: no pulse without a record, and each record told once`, async (context) => {
      const link = await house.createLink(`Guest ${moment}`);
      const before = { pulses: pulses.length, reports: house.recorded().length };
      for (let round = 0; round < rounds; round++) {
        await kill(link.quick_response_code_token);
        const recorded = new Set(house.recorded().map(({ uuid }) => uuid));
        for (const pulse of pulses)
          assert.ok(recorded.has(pulse), `pulse ${pulse} without a record; seed ${seed}`);
        await house.start();
      }
      await house.untilKnowing();
      const intents = house.recorded().slice(before.reports);
      const path = `/events?event_type=lock.unlock&event_actor_type=GroupLink&event_actor_id=${link.id}&limit=250`;
      const events: { uuid: string; details: { outcome: string } }[] = (await house.call('GET', path)).body;
      assert.deepEqual(
        events.map(({ uuid }) => uuid).sort(),
        intents.map(({ uuid }) => uuid).sort(),
        `seed ${seed}`,
      );
      assert.ok(intents.every(({ kind }) => kind === 'decision'));
      const count = (outcome: string) => events.filter(({ details }) => details.outcome === outcome).length;
      assert.equal(count('done') + count('unknown'), events.length);
      if (moment === 'in the middle of the pulse') assert.equal(count('unknown'), rounds);
      if (moment === 'between intent and pulse') assert.equal(events.length, rounds);
      if (moment === 'before it is told') assert.equal(events.length, rounds);
      report(context, `killed ${moment}`, {
        rounds,
        intents: intents.length,
        pulses: pulses.length - before.pulses,
        done: count('done'),
        unknown: count('unknown'),
        seed,
      });
    });
});
