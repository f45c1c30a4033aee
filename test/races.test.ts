import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningAgent } from '../agent/main.ts';
import { holdMsMin } from '../server/unlocks/holds.ts';
import { pulsesIn } from './demo-process.ts';
import { figure, report } from './figures.ts';
import { randomFrom, seed } from './seed.ts';
import { type Answer, startTestServer, type TestServer } from './test-server.ts';

const roundsOfOne = figure({ small: 50, large: 1_000 });
const roundsOfSeveral = figure({ small: 10, large: 200 });
const severalUses = 5;
const doorCount = 16;
const pageUses = 24;
const apiUses = 24;
const readerUses = 16; // one a reader: a second showing within 3 s would be the same presentation
const usesAtOnce = pageUses + apiUses + readerUses;
/** Prepared together, so that their presses age together: used long before they are too old. */
const roundsPrepared = 10;

interface Door {
  id: number;
  name: string;
}

interface Link {
  id: number;
  secret: string;
  quick_response_code_token: string;
}

/** One use of the link, prepared so far that only the last message is missing; answers `granted` or the reason. */
interface Shot {
  way: 'web' | 'api' | 'qr';
  fire(): Promise<string>;
}

const ways = ['web', 'api', 'qr'] as const;
/** The way that is favoured in a round sets off at once, the others within this time: so each is first at times. */
const delayMsMax = 25;

describe(`a link with few uses and many who use it at once (POSTERN_SEED=${seed})`, {
  timeout: figure({ small: 180_000, large: 3_600_000 }),
}, () => {
  let server: TestServer;
  let agent: RunningAgent;
  let group_id: number;
  const doors: Door[] = [];
  const random = randomFrom(seed);
  const winners = new Set<string>();

  before(async () => {
    server = await startTestServer();
    const place = await server.create('place', { name: 'House', address: '1 Gate Lane' });
    group_id = (await server.create('group', { name: 'Visitors' })).id;
    for (let number = 1; number <= doorCount; number++) {
      const door: Door = await server.create('lock', { name: `Door ${number}`, place_id: place.id });
      await server.create('group_lock', { group_id, lock_id: door.id });
      doors.push(door);
    }
    agent = await server.connectAgent(doors);
  });
  after(() => server?.close());

  it(`opens once, every one of ${roundsOfOne} rounds of ${usesAtOnce} uses over page, API and readers`, async (t) => {
    await race(roundsOfOne, 1);
    report(t, 'single-use links', { rounds: roundsOfOne, uses: usesAtOnce, 'grants each': 1, seed });
  });

  it(`opens ${severalUses} times when it has ${severalUses} uses, in ${roundsOfSeveral} rounds`, async (t) => {
    await race(roundsOfSeveral, severalUses);
    const figures = { rounds: roundsOfSeveral, uses: usesAtOnce, 'grants each': severalUses, seed };
    report(t, 'links with several uses', figures);
  });

  it('was a race: page, API and readers were each the first at times', () => {
    assert.deepEqual(winners, new Set(ways));
  });

  async function race(rounds: number, max_uses: number): Promise<void> {
    for (let done = 0; done < rounds; done += roundsPrepared) {
      const lots = await Promise.all(Array.from({ length: roundsPrepared }, () => prepare(max_uses)));
      await pause(holdMsMin + 20);
      for (const [round, { link, shots }] of lots.entries()) {
        const favoured = ways[round % ways.length];
        const answers = await Promise.all(
          shots.map(async ({ way, fire }) => {
            if (way !== favoured) await pause(random() * delayMsMax);
            return fire();
          }),
        );
        const granted = answers.filter((answer) => answer === 'granted');
        const refused = answers.filter((answer) => answer === 'use_limit_reached');
        assert.equal(granted.length, max_uses, `link ${link.id}: ${JSON.stringify(answers)}`);
        assert.equal(refused.length, usesAtOnce - max_uses, `link ${link.id}: ${JSON.stringify(answers)}`);
        for (const method of await checkRecords(link, max_uses)) winners.add(method);
      }
    }
  }

  async function prepare(max_uses: number): Promise<{ link: Link; shots: Shot[] }> {
    const link: Link = await server.create('group_link', { name: 'Robin Guest', group_id, max_uses });
    const cookie = await openPage(link);
    const fromPage = Array.from({ length: pageUses }, (_, index) => beginPress(link, cookie, doorAt(index)));
    const overApi = Array.from({ length: apiUses }, (_, index) => apiUse(link, doorAt(index)));
    const atReaders = agent.readers().map(({ port }) => readerUse(link, port));
    assert.equal(atReaders.length, readerUses);
    return { link, shots: await Promise.all([...fromPage, ...overApi, ...atReaders]) };
  }

  /** Answers how the granted uses came in. */
  async function checkRecords(link: Link, max_uses: number): Promise<string[]> {
    const { uses } = (await server.call('GET', `/group_links/${link.id}`, { secret: server.api_key })).body;
    assert.equal(uses, max_uses);
    const query = `event_type=lock.unlock&event_actor_type=GroupLink&event_actor_id=${link.id}&limit=250`;
    const events: { uuid: string; success: boolean; details: { method: string } }[] = (
      await server.call('GET', `/events?${query}`, { secret: server.api_key })
    ).body;
    assert.equal(events.length, usesAtOnce, 'every use is one event');
    const granted = events.filter(({ success }) => success);
    assert.equal(granted.length, max_uses);
    const uuids = new Set(granted.map(({ uuid }) => uuid));
    const all = new Set(events.map(({ uuid }) => uuid));
    const pulses = pulsesIn(agentFolder()).filter(({ command_id }) => all.has(command_id));
    assert.deepEqual(new Set(pulses.map(({ command_id }) => command_id)), uuids);
    assert.equal(pulses.length, max_uses);
    return granted.map(({ details }) => details.method);
  }

  async function openPage({ secret }: Link): Promise<string> {
    const answer = await callFromPage('/page/sessions', { secret });
    assert.equal(answer.status, 200);
    return answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  }

  async function beginPress({ id }: Link, cookie: string, lock_id: number): Promise<Shot> {
    const hold = await callFromPage(`/page/links/${id}/holds`, { lock_id }, cookie);
    assert.equal(hold.status, 200);
    const { nonce } = hold.body;
    const fire = async () =>
      wordOf(await callFromPage(`/page/links/${id}/unlock`, { lock_id, nonce }, cookie));
    return { way: 'web', fire };
  }

  function apiUse({ secret }: Link, lock_id: number): Shot {
    const fire = async () =>
      wordOf(await server.call('POST', `/locks/${lock_id}/unlock`, { secret, as: 'link' }));
    return { way: 'api', fire };
  }

  function callFromPage(path: string, body: object, cookie = ''): Promise<Answer> {
    return server.call('POST', path, { body, headers: { 'sec-fetch-site': 'same-origin', cookie } });
  }

  function doorAt(index: number): number {
    return doors[index % doors.length]?.id ?? 0;
  }

  function agentFolder(): string {
    return join(server.folder, 'agent-1');
  }
});

function wordOf({ status, body }: Answer): string {
  return status === 200 ? 'granted' : String(body.reason);
}

/** Stands at the reader already; firing shows the text and answers the reader's one line, without the word before a reason. */
async function readerUse({ quick_response_code_token }: Link, port: number): Promise<Shot> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, signal: AbortSignal.timeout(30_000) });
  await once(socket, 'connect');
  const fire = async () => {
    socket.setEncoding('utf8').end(`${quick_response_code_token}\n`);
    let line = '';
    for await (const part of socket) line += part;
    return line.trim().replace(/^denied /, '');
  };
  return { way: 'qr', fire };
}
