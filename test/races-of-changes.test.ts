import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { decide, type LinkCredential } from '../domain/decide.ts';
import type { Schedule } from '../domain/schedule.ts';
import { figure, report } from './figures.ts';
import { randomFrom, seed } from './seed.ts';
import { type Answer, startTestServer, type TestServer } from './test-server.ts';

/*
 * What closes a door or a link, and opens it again, at the same moment as many unlocks: what came of all of them must be
 * what would have come of them one after the other, in an order in which nothing that had ended stands after what began
 * later. And the log must be such an order for everything that was granted.
 */

const rounds = figure({ small: 50, large: 1_000 });
const roundsPrepared = 10;
const atOnce = 32;
const changesPerRound = 4;
const loginUnlocks = 6;
const delayMsMax = 40;

/** What decides about the unlocks of one round. */
interface State {
  revoked: boolean;
  suspended: boolean;
  /** The link belongs to the round's group, which has the door, and not to the group without doors. */
  inGroup: boolean;
  doorInGroup: boolean;
  doorLockedDown: boolean;
  placeLockedDown: boolean;
  /** The group's one schedule, which shuts the door for years, is enabled. */
  shut: boolean;
}

const initially: State = {
  ...{ revoked: false, suspended: false, inGroup: true, doorInGroup: true },
  ...{ doorLockedDown: false, placeLockedDown: false, shut: false },
};

interface Things {
  door_id: number;
  place_id: number;
  group_id: number;
  otherGroup: number;
  groupDoor: number;
  schedule: number;
  link: { id: number; secret: string };
}

/** A way to change the state over HTTP. */
interface Change {
  method: string;
  path(things: Things): string;
  body?(things: Things): unknown;
  sets: Partial<State>;
  /** The type of its event. */
  type: string;
}

const ofLink = {
  method: 'PATCH',
  path: ({ link }: Things) => `/group_links/${link.id}`,
  type: 'group_link.update',
};
const ofSchedule = { method: 'PATCH', path: ({ schedule }: Things) => `/schedules/${schedule}` };
const schedule = (enabled: boolean): Change => ({
  ...ofSchedule,
  ...{ body: () => ({ schedule: { enabled } }), sets: { shut: enabled }, type: 'schedule.update' },
});
const suspend = (suspended: boolean): Change => ({
  ...ofLink,
  ...{ body: () => ({ group_link: { suspended } }), sets: { suspended } },
});
const moveTo = (inGroup: boolean): Change => ({
  ...ofLink,
  body: ({ group_id, otherGroup }) => ({ group_link: { group_id: inGroup ? group_id : otherGroup } }),
  sets: { inGroup },
});
const lockDown = (noun: 'lock' | 'place', down: boolean): Change => ({
  method: 'POST',
  path: ({ door_id, place_id }) =>
    `/${noun}s/${noun === 'lock' ? door_id : place_id}/${down ? 'lock_down' : 'cancel_lockdown'}`,
  sets: noun === 'lock' ? { doorLockedDown: down } : { placeLockedDown: down },
  type: `${noun}.${down ? 'lock_down' : 'cancel_lockdown'}`,
});
const revoke: Change = { ...ofLink, method: 'DELETE', sets: { revoked: true }, type: 'group_link.destroy' };
const takeOut: Change = {
  method: 'DELETE',
  path: ({ groupDoor }) => `/group_locks/${groupDoor}`,
  sets: { doorInGroup: false },
  type: 'group_lock.destroy',
};

/** Each round takes some of these; what only opens again comes with what closed. */
const choices: readonly (readonly Change[])[] = [
  [revoke],
  [suspend(true)],
  [suspend(true), suspend(false)],
  [lockDown('lock', true)],
  [lockDown('lock', true), lockDown('lock', false)],
  [lockDown('place', true)],
  [lockDown('place', true), lockDown('place', false)],
  [takeOut],
  [moveTo(false)],
  [moveTo(false), moveTo(true)],
  [schedule(true)],
  [schedule(true), schedule(false)],
];

type Done = { began: number; ended: number } & (
  | { kind: 'change'; change: Change; ok: boolean }
  | { kind: 'link' | 'login'; result: string }
);
type DoneChange = Extract<Done, { kind: 'change' }>;
type DoneUnlock = Exclude<Done, DoneChange>;

/** Shut all day, for years. */
const closing: Schedule = { weekly: [], exceptions: [], days: [{ start: '2000-01-01', end: '2100-01-01' }] };

/** The only oracle: what the decision says of a state. */
function resultIn(state: State, kind: 'link' | 'login'): string {
  const locked_down = state.doorLockedDown || state.placeLockedDown;
  const door = { locked_down, time_zone: 'UTC', reachable: true, live_only: false };
  const credential: LinkCredential = {
    ...{ kind: 'link', revoked: state.revoked, suspended: state.suspended },
    ...{ valid_from: null, valid_until: '2099-01-01T00:00:00.000Z', link_enabled: true },
    includes_door: state.inGroup && state.doorInGroup,
    schedules: state.inGroup && state.shut ? [{ ...closing, override: true }] : [],
    ...{ max_uses: null, uses: 0, reader_id: null },
  };
  const at = '2026-12-01T09:00:00.000Z';
  const asked = kind === 'link' ? credential : ({ kind: 'login' } as const);
  const decision = decide({ at, method: 'api', reader_id: null, credential: asked, door, evidence: null });
  return decision.granted ? 'granted' : decision.reason;
}

/** A link that was revoked is nothing to change any more. */
function isPossible(change: Change, state: State): boolean {
  return !(change.type.startsWith('group_link.') && state.revoked);
}

describe(`what closes doors, against unlocks at the same moment (POSTERN_SEED=${seed})`, {
  timeout: figure({ small: 240_000, large: 3_600_000 }),
}, () => {
  let server: TestServer;
  let door: { id: number; name: string };
  let place_id: number;
  const random = randomFrom(seed);
  const seen = new Set<string>();

  before(async () => {
    server = await startTestServer();
    place_id = (await server.create('place', { name: 'House', address: 'x' })).id;
    door = await server.create('lock', { name: 'Front door', place_id });
    await server.connectAgent([{ id: door.id, name: door.name }]);
  });
  after(() => server?.close());

  it(`equals one of the serial orders, in each of ${rounds} rounds of ${atOnce} at once`, async (t) => {
    for (let round = 0; round < rounds; ) {
      const lots = await Promise.all(Array.from({ length: roundsPrepared }, prepare));
      for (const things of lots) await race(things, round++);
    }
    report(t, 'changes against unlocks', { rounds, 'at once': atOnce, 'without a serial order': 0, seed });
  });

  it('was a race: every way to be refused was seen beside grants of the same round', () => {
    const reasons = ['credential_revoked', 'credential_suspended', 'door_not_included', 'door_locked_down'];
    for (const reason of [...reasons, 'outside_schedule'])
      assert.ok(seen.has(reason), `${reason} was never seen`);
  });

  async function prepare(): Promise<Things> {
    const [group, other] = [
      await server.create('group', { name: 'A' }),
      await server.create('group', { name: 'B' }),
    ];
    const groupDoor = await server.create('group_lock', { group_id: group.id, lock_id: door.id });
    const days = { starts_at_date: '2000-01-01', ends_at_date: '2100-01-01', override: true };
    const hours = await server.create('schedule', {
      ...{ scheduleable_type: 'Group', scheduleable_id: group.id, enabled: false },
      ...days,
    });
    const link = await server.create('group_link', { name: 'Robin Guest', group_id: group.id });
    const ids = { door_id: door.id, place_id, group_id: group.id, otherGroup: other.id };
    return { ...ids, groupDoor: groupDoor.id, schedule: hours.id, link };
  }

  async function race(things: Things, round: number): Promise<void> {
    const before = await latestPosition();
    const changes = chooseChanges();
    const unlocks = Array.from({ length: atOnce - changes.length }, (_, index) =>
      unlock(things, index < loginUnlocks ? 'login' : 'link'),
    );
    const done = await Promise.all([...changes.map((change) => carryOut(things, change)), ...unlocks]);
    const changed = done.filter((each) => each.kind === 'change');
    const unlocked = done.filter((each) => each.kind !== 'change');
    const told = JSON.stringify({ round, done }, null, 1);
    assert.ok(
      ordersOf(changed).some((order) => explains(order, unlocked)),
      `no order explains what came of this: ${told}`,
    );
    assert.equal(await problemOfLog(before, changes), '', told);
    const results = new Set(unlocked.map(({ result }) => result));
    if (results.has('granted')) for (const result of results) seen.add(result);
    for (const noun of ['lock', 'place'] as const) await carryOut(things, lockDown(noun, false), 0);
  }

  function chooseChanges(): Change[] {
    const chosen: Change[] = [];
    while (chosen.length < changesPerRound) {
      const choice = choices[Math.floor(random() * choices.length)] ?? [];
      if (!choice.some((change) => chosen.includes(change))) chosen.push(...choice);
    }
    return chosen;
  }

  async function carryOut(things: Things, change: Change, delayMs = random() * delayMsMax): Promise<Done> {
    const { method, path, body } = change;
    const asked = { secret: server.api_key, ...(body ? { body: body(things) } : {}) };
    const { answer, ...times } = await timed(() => server.call(method, path(things), asked), delayMs);
    assert.ok(answer.status < 300 || answer.status === 404, JSON.stringify(answer.body));
    return { kind: 'change', change, ok: answer.status < 300, ...times };
  }

  async function unlock({ link, door_id }: Things, kind: 'link' | 'login'): Promise<Done> {
    const by = kind === 'link' ? { secret: link.secret, as: kind } : { secret: server.api_key };
    const ask = () => server.call('POST', `/locks/${door_id}/unlock`, by);
    const { answer, ...times } = await timed(ask, random() * delayMsMax);
    // Granted, and then the door was locked down before the command was there: the agent refused.
    const granted = answer.status === 200 || answer.body.reason === 'lock_failed';
    return { kind, result: granted ? 'granted' : answer.body.reason, ...times };
  }

  async function timed(ask: () => Promise<Answer>, delayMs: number) {
    await pause(delayMs);
    const began = performance.now();
    const answer = await ask();
    return { answer, began, ended: performance.now() };
  }

  async function latestPosition(): Promise<number> {
    await server.context.database.settled();
    const row = await server.context.database.everywhere.read.query
      .selectFrom('events')
      .select(({ fn }) => fn.max('position').as('position'))
      .executeTakeFirstOrThrow();
    return row.position ?? 0;
  }

  /** Replays the log: whatever it says was granted must be what the events before it allow. */
  async function problemOfLog(position: number, changes: readonly Change[]): Promise<string> {
    await server.context.database.settled();
    const events = await server.context.database.everywhere.read.query
      .selectFrom('events')
      .select(['type', 'success', 'actor_type', 'message'])
      .where('position', '>', position)
      .orderBy('position')
      .execute();
    const state = { ...initially };
    for (const { type, success, actor_type, message } of events) {
      if (type !== 'lock.unlock') Object.assign(state, whatItSays(type, message ?? '', changes));
      else if (success === 1) {
        const expected = resultIn(state, actor_type === 'GroupLink' ? 'link' : 'login');
        if (expected !== 'granted') return `granted, where the log says ${expected}`;
      }
    }
    return '';
  }
});

/** What an event says about the state; nothing, where several of the round's changes may have left it. */
function whatItSays(type: string, message: string, changes: readonly Change[]): Partial<State> {
  if (type === 'group_link.update' && message.includes(' suspended ')) return { suspended: true };
  if (type === 'group_link.update' && message.includes(' resumed ')) return { suspended: false };
  const possible = changes.filter((change) => change.type === type);
  return possible.length === 1 ? (possible[0]?.sets ?? {}) : {};
}

/** Every order of the changes in which none stands after one that began when it had ended. */
function ordersOf(changes: readonly DoneChange[]): DoneChange[][] {
  if (changes.length === 0) return [[]];
  const first = changes.filter((change) => changes.every(({ ended }) => change.began <= ended));
  return first.flatMap((change) =>
    ordersOf(changes.filter((other) => other !== change)).map((rest) => [change, ...rest]),
  );
}

/** Whether each unlock has a place between the changes, in time and no earlier than what had ended before it began. */
function explains(order: readonly DoneChange[], unlocks: readonly DoneUnlock[]): boolean {
  const states = [initially];
  for (const { change, ok } of order) {
    const state = states.at(-1) ?? initially;
    if (ok !== isPossible(change, state)) return false;
    states.push(ok ? { ...state, ...change.sets } : state);
  }
  const placed: { ended: number; at: number }[] = [];
  for (const unlock of unlocks.toSorted((one, other) => one.began - other.began)) {
    const afterChanges = order.findLastIndex(({ ended }) => ended < unlock.began) + 1;
    const beforeChange = order.findIndex(({ began }) => began > unlock.ended);
    const earlier = placed.filter(({ ended }) => ended < unlock.began).map(({ at }) => at);
    const from = Math.max(afterChanges, ...earlier);
    const to = beforeChange === -1 ? order.length : beforeChange;
    const at = states.findIndex(
      (state, index) => index >= from && index <= to && resultIn(state, unlock.kind) === unlock.result,
    );
    if (at === -1) return false;
    placed.push({ ended: unlock.ended, at });
  }
  return true;
}
