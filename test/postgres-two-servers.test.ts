import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningAgent } from '../agent/main.ts';
import { freshFolder, type PulseLine, pulsesIn } from './demo-process.ts';
import { createDatabase, type TestDatabase, testPostgres } from './postgres.ts';
import {
  buildHouse,
  type House,
  openSwitch,
  runAgent,
  type Serve,
  type Switch,
  serveSettings,
  startServe,
  until,
  withOwner,
} from './serve-process.ts';
import { type Answer, fetchAnswer } from './test-server.ts';

const roundsOfOne = 20;
const usesAtOnce = 32;
const linksRevoked = 200;
const linksAtOnce = 10;
/** From the death of a process until the others say that its agents are gone. */
const unreachableMsMax = 5_000;

/** Nothing moves later than this after it was decided. */
const commandMsMax = 5_000;
const awayMsLate = 6_000;

/** What a test reads of an event. */
interface Event {
  uuid: string;
  created_at: string;
  type: string;
  object_id: number;
  success: boolean;
  sequence: string;
  details: { reason: string | null; outcome: string | null };
}

describe('two server processes on one PostgreSQL', { timeout: 240_000 }, () => {
  const folder = freshFolder();
  let database: TestDatabase;
  let house: House;
  /** The agent is connected to the first one, through the switch. */
  let a: Serve;
  let b: Serve;
  let line: Switch;
  let agent: RunningAgent;

  before(async () => {
    database = await createDatabase(testPostgres());
    const settings = serveSettings(database);
    [a, b] = await Promise.all([startServe(settings), startServe(settings)]);
    house = await buildHouse(a, settings, database);
    line = await openSwitch(a);
    agent = runAgent(house, { server_url: line.url, folder: folder.path });
    await agent.connected();
    await until('the agent is known to both', () => isOnline(b));
  });
  after(async () => {
    await agent?.close();
    await line?.[Symbol.asyncDispose]();
    for (const serve of [a, b]) await serve?.[Symbol.asyncDispose]();
    await database?.drop();
    folder[Symbol.dispose]();
  });

  const pulses = (): PulseLine[] => pulsesIn(join(folder.path, 'agent'));

  async function isOnline(at: Serve): Promise<boolean> {
    const { body } = await house.call(at, 'GET', '/locks');
    return body.length === 2 && body.every(({ online }: { online: boolean }) => online);
  }

  async function eventsAt(at: Serve, query: string): Promise<Event[]> {
    return (await house.call(at, 'GET', `/events?limit=250&${query}`)).body;
  }

  const alarms = async () => (await eventsAt(b, 'event_type=agent.alarm')).length;

  /** The door moves once, for one event, which both processes show with what became of it. */
  async function opensOnce(fire: () => Promise<Answer>, where = pulses): Promise<void> {
    const before = where().length;
    const known = new Set((await eventsAt(b, 'event_type=lock.unlock')).map(({ uuid }) => uuid));
    const { status, body } = await fire();
    assert.deepEqual([status, body.message], [200, 'Unlocked!']);
    const [pulse, ...more] = where().slice(before);
    assert.equal(more.length, 0);
    for (const at of [a, b]) {
      const fresh = await until('the outcome is kept', async () => {
        const events = await eventsAt(at, 'event_type=lock.unlock');
        const [event, ...others] = events.filter(({ uuid }) => !known.has(uuid));
        assert.equal(others.length, 0);
        return event?.details.outcome === 'done' && event;
      });
      assert.deepEqual([fresh.value.uuid, fresh.value.success], [pulse?.command_id, true]);
    }
  }

  it('open a door for a link, whichever of them is asked', async () => {
    const link = await house.createLink(b);
    await opensOnce(() => house.unlock(a, link));
    await opensOnce(() => house.unlock(b, link));
  });

  it('open a door for an API key, whichever of them is asked', async () => {
    const [door] = house.locks;
    await opensOnce(() => house.call(b, 'POST', `/locks/${door?.id}/unlock`));
  });

  it('lock a door down at its agent, whichever of them is asked', async () => {
    const [door] = house.locks;
    for (const at of [a, b]) {
      const { body } = await house.call(at, 'POST', `/locks/${door?.id}/lock_down`);
      assert.deepEqual([body.locked_down, body.reached], [true, true]);
      for (const other of [a, b]) {
        const refused = await house.call(other, 'POST', `/locks/${door?.id}/unlock`);
        assert.equal(refused.body.reason, 'door_locked_down');
      }
      assert.equal((await house.call(at, 'POST', `/locks/${door?.id}/cancel_lockdown`)).body.reached, true);
    }
  });

  it('open a door for a press that began on one and ended on the other', async () => {
    const link = await house.createLink(a);
    const lock_id = house.locks[1]?.id;
    const session = await fromPage(b, '/page/sessions', { secret: link.secret });
    const cookie = session.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const press = await fromPage(a, `/page/links/${link.id}/holds`, { lock_id }, cookie);
    assert.equal(press.status, 200);
    await pause(press.body.hold_ms_min + 20);
    const release = () =>
      fromPage(b, `/page/links/${link.id}/unlock`, { lock_id, nonce: press.body.nonce }, cookie);
    await opensOnce(release);
    assert.equal((await release()).status, 409, 'one press opens once');
  });

  it(`let a link with one use in once, ${usesAtOnce} uses at once in each of ${roundsOfOne} rounds`, async () => {
    const winners = new Set<Serve>();
    for (let round = 0; round < roundsOfOne; round++) {
      const link = await house.createLink(a, { max_uses: 1 });
      const before = pulses().length;
      const answers = await Promise.all(
        Array.from({ length: usesAtOnce }, async (_, index) => {
          const at = (index + round) % 2 === 0 ? a : b;
          return { at, ...(await house.unlock(at, link)) };
        }),
      );
      const granted = answers.filter(({ status }) => status === 200);
      const refused = answers.filter(({ body }) => body.reason === 'use_limit_reached');
      assert.deepEqual([granted.length, refused.length], [1, usesAtOnce - 1]);
      assert.equal(pulses().length - before, 1);
      for (const { at } of granted) winners.add(at);
    }
    assert.equal(winners.size, 2, 'each was the first at times');
  });

  it(`refuse from the acknowledgement on, ${linksRevoked} links that are revoked while both are asked`, async () => {
    let grants = 0;
    for (let done = 0; done < linksRevoked; done += linksAtOnce) {
      const lots = Array.from({ length: linksAtOnce }, (_, index) => revokedWhileUsed(index));
      for (const granted of await Promise.all(lots)) grants += granted;
    }
    assert.ok(grants > linksRevoked, `${grants} grants are no race`);
    await withOwner(database.ownerUrl, async (owner) => {
      const { rows } = await owner.query(
        `select count(*)::int as late from events e
         join events r on r.type = 'group_link.destroy' and r.object_id = e.actor_id
         where e.type = 'lock.unlock' and e.success = 1 and e.actor_type = 'GroupLink' and e.position > r.position`,
      );
      assert.deepEqual(rows, [{ late: 0 }]);
    });
  });

  /** Answers how many unlocks were granted before. */
  async function revokedWhileUsed(index: number): Promise<number> {
    const link = await house.createLink(a);
    let revoked = false;
    let granted = 0;
    const use = async (at: Serve) => {
      for (let refused = 0; refused < 1; ) {
        const begunAfter = revoked;
        const { status, body } = await house.unlock(at, link);
        if (status === 200 && !begunAfter) granted += 1;
        else assert.deepEqual([status, body.reason], [403, 'credential_revoked']);
        if (begunAfter) refused += 1;
      }
    };
    const users = [a, b].map(use);
    await until('both are at it', () => granted > 1);
    const { status } = await house.call(index % 2 === 0 ? a : b, 'DELETE', `/group_links/${link.id}`);
    assert.equal(status, 204);
    revoked = true;
    await Promise.all(users);
    return granted;
  }

  it('move nothing late when the process that has the agent was away meanwhile', async () => {
    for (const awayMs of [500, 1_500, 4_000]) {
      const link = await house.createLink(b);
      const before = pulses().length;
      a.signal('SIGSTOP');
      const asked = performance.now();
      const answer = house.unlock(b, link).then((got) => ({ ...got, tookMs: performance.now() - asked }));
      await pause(awayMs);
      a.signal('SIGCONT');
      const { status, body, tookMs } = await answer;
      // What is said to the first one now comes after what it had not heard yet.
      await until(
        'it is back',
        async () => (await house.unlock(b, await house.createLink(b))).status === 200,
      );
      const [event] = await eventsAt(b, `event_type=lock.unlock&event_actor_id=${link.id}`);
      const moved = pulses()
        .slice(before)
        .filter(({ command_id }) => command_id === event?.uuid).length;
      assert.ok(tookMs < 3_500, `answered after ${tookMs} ms`);
      if (awayMs < 1_000) assert.deepEqual([status, moved], [200, 1]);
      else {
        assert.deepEqual([status, body.reason, moved], [503, 'outcome_unknown', 0], `away for ${awayMs} ms`);
        assert.deepEqual([event?.success, event?.details.outcome], [true, 'unknown']);
        const failures = await eventsAt(a, `event_type=lock.unlock_failed&event_sequence=${event?.sequence}`);
        assert.equal(failures.length, 1);
      }
    }
  });

  it('move nothing late when the process that decided was away before it could say so', async (t) => {
    const links = await Promise.all(Array.from({ length: usesAtOnce }, () => house.createLink(b)));
    const before = pulses().length;
    const answers = links.map((link) => house.unlock(b, link));
    await until('they are under way', () => pulses().length > before);
    b.signal('SIGSTOP');
    await pause(awayMsLate);
    b.signal('SIGCONT');
    const reasons = (await Promise.all(answers)).map(({ status, body }) =>
      status === 200 ? 'opened' : body.reason,
    );
    const granted = new Map(
      (await eventsAt(b, 'event_type=lock.unlock&event_success=true')).map((e) => [e.uuid, e]),
    );
    const ages = pulses()
      .slice(before)
      .map(({ at, command_id }) => Date.parse(at) - Date.parse(granted.get(command_id)?.created_at ?? ''));
    t.diagnostic(
      `${ages.length} of ${links.length} moved, at most ${Math.max(...ages)} ms after their decision; ${[...new Set(reasons)]}`,
    );
    assert.ok(ages.length < links.length, 'some were caught on the way');
    assert.ok(Math.max(...ages) <= commandMsMax, `${ages} ms`);
    assert.ok(reasons.filter((reason) => reason === 'opened').length <= ages.length);
  });

  it('show the same log without a gap, and every event once to whoever follows it while both write', async () => {
    const made: number[] = [];
    const write = async (at: Serve) => {
      for (let count = 0; count < 60; count++) made.push((await house.createLink(at)).id);
    };
    const isDone = (read: Read[]) => {
      const found = new Set(read.map(({ event }) => event.object_id));
      return made.length === 120 && made.every((id) => found.has(id));
    };
    const following = [follow(a, 0, isDone), follow(b, 0, isDone), hop(isDone)];
    await Promise.all([write(a), write(b), pageThroughSet()]);
    const readings = await Promise.all(following);
    for (const reading of readings) {
      const positions = reading.map(({ position }) => position);
      assert.deepEqual(
        positions,
        positions.map((_, index) => index + 1),
      );
    }
    const shortest = Math.min(...readings.map(({ length }) => length));
    const [one, other, hopped] = readings.map((reading) =>
      reading.slice(0, shortest).map(({ event }) => event.uuid),
    );
    assert.deepEqual(other, one);
    assert.deepEqual(hopped, one);
    assert.equal(new Set(one).size, shortest);
  });

  /** Reads on at the other process after every few events. */
  async function hop(enough: (read: Read[]) => boolean): Promise<Read[]> {
    const all: Read[] = [];
    for (let turn = 0; !enough(all); turn++) {
      const some = await follow(
        turn % 2 === 0 ? a : b,
        all.at(-1)?.position ?? 0,
        (read) => read.length >= 40 || enough([...all, ...read]),
      );
      all.push(...some);
    }
    return all;
  }

  interface Read {
    position: number;
    event: Event;
  }

  /** Server-sent events from a position on, until there are enough. */
  async function follow(at: Serve, from: number, enough: (read: Read[]) => boolean): Promise<Read[]> {
    const response = await fetch(`${at.url}/events/stream`, {
      headers: { authorization: `KISI-LOGIN ${house.api_key}`, 'last-event-id': String(from) },
      signal: AbortSignal.timeout(30_000),
    });
    const read: Read[] = [];
    let rest = '';
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + part).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(block) ?? [];
        if (data !== undefined) read.push({ position: Number(id), event: JSON.parse(data) });
      }
      if (enough(read)) break;
    }
    return read;
  }

  /** A set that was begun on one process shows on the other what there was, once. */
  async function pageThroughSet(): Promise<void> {
    await until('there is something to page through', async () => (await eventsAt(a, '')).length > 100);
    const begun = await house.call(a, 'POST', '/event_sets', { body: { event_set: {} } });
    const events: Event[] = begun.body.events;
    for (let cursor = begun.body.cursor, turn = 0; cursor !== null; turn++) {
      const path = `/event_sets/${begun.body.id}?limit=20&cursor=${cursor}`;
      const { body } = await house.call(turn % 2 === 0 ? b : a, 'GET', path);
      events.push(...body.events);
      cursor = body.cursor;
    }
    const first = events.at(-1);
    assert.equal(new Set(events.map(({ uuid }) => uuid)).size, events.length);
    assert.deepEqual((await follow(b, 0, (read) => read.length > 0))[0]?.event.uuid, first?.uuid);
  }

  it('find each other again when their line to each other was cut', async () => {
    const link = await house.createLink(b);
    const name = new URL(database.url).pathname.slice(1);
    await withOwner(testPostgres(), async (admin) => {
      const { rows } = await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'postern bus'`,
        [name],
      );
      assert.equal(rows.length, 2);
    });
    await opensOnce(() => house.unlock(a, link));
    const { ms } = await until('it opens', async () => (await house.unlock(b, link)).status === 200);
    assert.ok(ms < 5_000, `opened after ${ms} ms`);
    await opensOnce(() => house.unlock(b, link));
  });

  it('end the first session of an agent that begins a second at the other, with one alarm', async () => {
    const other = freshFolder();
    line.turn(null); // the first one shall not come back and quarrel
    const second = runAgent(house, { server_url: b.url, folder: other.path });
    try {
      await second.connected();
      await until('the alarm is raised', async () => (await alarms()) > 0);
      const link = await house.createLink(a);
      const moved = () => pulsesIn(join(other.path, 'agent'));
      const before = pulses().length;
      await opensOnce(() => house.unlock(b, link), moved);
      await opensOnce(() => house.unlock(a, link), moved);
      assert.equal(pulses().length, before, 'the first has no session any more');
    } finally {
      await second.close();
      other[Symbol.dispose]();
    }
    line.turn(a);
    await until('the first is back', async () => (await isOnline(a)) && isOnline(b), 15_000);
    assert.equal(await alarms(), 1);
  });

  it('say that a door cannot be reached soon after the process that had its agent died', async (t) => {
    const link = await house.createLink(b, { max_uses: 1 });
    line.turn(null);
    await a.kill('SIGKILL');
    const { ms } = await until('its agent counts as gone', async () => !(await isOnline(b)));
    t.diagnostic(`after ${Math.round(ms)} ms`);
    assert.ok(ms <= unreachableMsMax, `${ms} ms`);
    const { status, body, headers } = await house.unlock(b, link);
    assert.deepEqual([status, body.reason], [503, 'door_unreachable']);
    assert.ok(Number(headers.get('retry-after')) > 0);
    line.turn(b);
    await until('the agent has come to the other', () => isOnline(b), 15_000);
    a = await startServe(house.settings);
    await opensOnce(() => house.unlock(b, link));
    assert.equal((await house.unlock(b, link)).body.reason, 'use_limit_reached', 'the refusal took no use');
  });

  it('take an agent over at once from a process that died, without an alarm', async (t) => {
    // One that has not lost a session yet comes back at once.
    await agent.close();
    await until('it is gone', async () => !(await isOnline(a)));
    line.turn(b);
    agent = runAgent(house, { server_url: line.url, folder: folder.path });
    await until('it is at the other', () => isOnline(a));
    const before = await alarms();
    line.turn(a); // from the next connection on
    await b.kill('SIGKILL');
    const { ms } = await until('it has come', async () => {
      const { status } = await house.unlock(a, await house.createLink(a));
      return status === 200;
    });
    t.diagnostic(`opened ${Math.round(ms)} ms after the death of the other`);
    assert.ok(ms < 15_000, 'it came back by itself');
    b = await startServe(house.settings);
    await until('the new process knows it', () => isOnline(b));
    const link = await house.createLink(a);
    await opensOnce(() => house.unlock(b, link));
    assert.equal(await alarms(), before);
  });
});

function fromPage(at: Serve, path: string, body: object, cookie = ''): Promise<Answer> {
  const headers = { 'sec-fetch-site': 'same-origin', cookie };
  return fetchAnswer(at.url, { method: 'POST', path, body, headers });
}
