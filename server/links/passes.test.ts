import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { addMs } from '../../domain/instants.ts';
import { type PassClaims, readPass } from '../../domain/pass.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { currentPass } from './passes.ts';
import { selectLink } from './store.ts';

const seed = Number(process.env['POSTERN_SEED'] ?? Date.now() % 2 ** 31);
const now = '2026-12-01T09:00:00.000Z';
const inDays = (days: number, ms = 0) => addMs(now, days * 24 * 3_600_000 + ms);

const clock = new TestClock(now);
let server: TestServer;
let group_id: number;
let otherGroup: number;

before(async () => {
  server = await startTestServer({ clock });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  otherGroup = (await server.create('group', { name: 'Others' })).id;
});
after(() => server.close());

const make = (fields: object = {}) =>
  server.create('group_link', { name: 'Robin Guest', group_id, ...fields });

async function change(id: number, fields: object): Promise<void> {
  const call = { secret: server.api_key, body: { group_link: fields } };
  const { status, body } = await server.call('PATCH', `/group_links/${id}`, call);
  assert.equal(status, 200, JSON.stringify(body));
}

/** Every pass ever signed for the link, oldest first, and whether it has been revoked. */
async function passesOf(id: number) {
  const { query } = server.context.database.everywhere.read;
  return query.selectFrom('passes').selectAll().where('link_id', '=', id).orderBy('pass_index').execute();
}

async function claimsOf(text: string): Promise<PassClaims> {
  const reading = readPass(text, await server.context.keys.verifier(server.organization_id));
  assert.ok(reading.ok, text);
  return reading.claims;
}

/** What the link's QR code says now; null: it has none. */
async function currentClaims(id: number): Promise<PassClaims | null> {
  const { database, keys } = server.context;
  const link = await selectLink(database.everywhere.read, server.organization_id, id);
  const text = link ? await currentPass(keys, database.everywhere.read, link) : null;
  return text === null ? null : claimsOf(text);
}

describe('a pass', () => {
  it('says what its link allows', async () => {
    const made = await make({ valid_from: inDays(1), valid_until: inDays(2) });
    const claims = await claimsOf(made.quick_response_code_token);
    assert.deepEqual(claims, {
      organization_id: server.organization_id,
      link_id: made.id,
      group_id,
      index: claims.index,
      online: false,
      issued_at: Date.parse(now) / 1000,
      not_before: Date.parse(inDays(1)) / 1000,
      expires_at: Date.parse(inDays(2)) / 1000,
    });
  });

  it('is valid at once when its link has no start, also by a clock that is an hour behind', async () => {
    const claims = await claimsOf((await make()).quick_response_code_token);
    assert.deepEqual(
      [claims.not_before, claims.expires_at],
      [Date.parse(now) / 1000 - 3_600, Date.parse(inDays(7)) / 1000],
    );
  });

  it('asks for the server when its link is online or counts its uses', async () => {
    const isOnline = async (fields: object) =>
      (await claimsOf((await make(fields)).quick_response_code_token)).online;
    assert.equal(await isOnline({}), false);
    assert.equal(await isOnline({ quick_response_code_type: 'online' }), true);
    assert.equal(await isOnline({ max_uses: 1 }), true);
  });

  it('is never valid outside the window of its link, to the millisecond', async () => {
    const ms = fc.integer({ min: 1, max: 300 * 24 * 3_600_000 });
    const property = fc.asyncProperty(ms, fc.integer({ min: 1, max: 5_000 }), async (start, length) => {
      const [valid_from, valid_until] = [inDays(0, start), inDays(0, start + length)];
      const made = await make({ valid_from, valid_until });
      if (made.quick_response_code_token === null)
        return assert.ok(length < 2_000, `${valid_from} ${valid_until}`);
      const { not_before, expires_at } = await claimsOf(made.quick_response_code_token);
      assert.ok(not_before * 1000 >= Date.parse(valid_from) && expires_at * 1000 <= Date.parse(valid_until));
      assert.ok(not_before < expires_at);
    });
    await fc.assert(property, { seed, numRuns: 40 });
  });

  it('has an index that no other pass has or had', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => make()));
    for (const { id } of made.slice(0, 5)) await change(id, { valid_until: inDays(1) });
    await server.call('DELETE', `/group_links/${made[0].id}`, { secret: server.api_key });
    await make();
    const { query } = server.context.database.everywhere.read;
    const rows = await query.selectFrom('passes').select('pass_index').execute();
    const { next_pass_index } = await query
      .selectFrom('organizations')
      .select('next_pass_index')
      .executeTakeFirstOrThrow();
    const indexes = rows.map(({ pass_index }) => pass_index);
    assert.equal(new Set(indexes).size, indexes.length);
    assert.ok(indexes.every((index) => index < next_pass_index));
  });
});

type Effect = 'ends every earlier pass' | 'leaves earlier passes alone';
interface Change {
  what: string;
  link: object;
  fields: () => object;
  effect: Effect;
  /** How many passes are signed by the change. */
  signed: 0 | 1;
}

const window = { valid_from: inDays(1), valid_until: inDays(3) };
const ends = { effect: 'ends every earlier pass', signed: 1 } as const;
const leaves = { effect: 'leaves earlier passes alone', signed: 1 } as const;
const nothing = { effect: 'leaves earlier passes alone', signed: 0 } as const;

const changes: readonly Change[] = [
  { what: 'an earlier end', link: window, fields: () => ({ valid_until: inDays(2) }), ...ends },
  {
    what: 'an end a millisecond earlier',
    link: window,
    fields: () => ({ valid_until: inDays(3, -1) }),
    ...ends,
  },
  { what: 'an end in the past', link: {}, fields: () => ({ valid_until: inDays(-1) }), ...ends },
  { what: 'a later end', link: window, fields: () => ({ valid_until: inDays(4) }), ...leaves },
  { what: 'the default end, which is later', link: window, fields: () => ({ valid_until: '' }), ...leaves },
  { what: 'a later start', link: window, fields: () => ({ valid_from: inDays(2) }), ...ends },
  { what: 'a start where there was none', link: {}, fields: () => ({ valid_from: inDays(2) }), ...ends },
  { what: 'an earlier start', link: window, fields: () => ({ valid_from: inDays(0, 1) }), ...leaves },
  { what: 'no start any more', link: window, fields: () => ({ valid_from: null }), ...leaves },
  {
    what: 'an earlier start and an earlier end',
    link: window,
    fields: () => ({ valid_from: inDays(0, 1), valid_until: inDays(2) }),
    ...ends,
  },
  {
    what: 'a later start and a later end',
    link: window,
    fields: () => ({ valid_from: inDays(2), valid_until: inDays(4) }),
    ...ends,
  },
  { what: 'another group', link: {}, fields: () => ({ group_id: otherGroup }), ...ends },
  { what: 'the type online', link: {}, fields: () => ({ quick_response_code_type: 'online' }), ...ends },
  {
    what: 'the type offline',
    link: { quick_response_code_type: 'online' },
    fields: () => ({ quick_response_code_type: 'offline' }),
    ...leaves,
  },
  {
    what: 'no QR code any more',
    link: {},
    fields: () => ({ quick_response_code_type: null }),
    effect: 'ends every earlier pass',
    signed: 0,
  },
  { what: 'a limit of uses', link: {}, fields: () => ({ max_uses: 5 }), ...ends },
  {
    what: 'a limit of uses where the server is asked already',
    link: { quick_response_code_type: 'online' },
    fields: () => ({ max_uses: 5 }),
    ...ends,
  },
  {
    what: 'a later end under the same limit of uses',
    link: { ...window, max_uses: 5 },
    fields: () => ({ valid_until: inDays(4) }),
    ...leaves,
  },
  { what: 'fewer uses', link: { max_uses: 5 }, fields: () => ({ max_uses: 4 }), ...ends },
  { what: 'more uses', link: { max_uses: 5 }, fields: () => ({ max_uses: 6 }), ...leaves },
  { what: 'no limit of uses any more', link: { max_uses: 5 }, fields: () => ({ max_uses: null }), ...leaves },
  {
    what: 'suspending',
    link: {},
    fields: () => ({ suspended: true }),
    effect: 'ends every earlier pass',
    signed: 0,
  },
  {
    what: 'suspending and a later end at once',
    link: {},
    fields: () => ({ suspended: true, valid_until: inDays(9) }),
    effect: 'ends every earlier pass',
    signed: 0,
  },
  { what: 'another name', link: {}, fields: () => ({ name: 'Robin Host' }), ...nothing },
  { what: 'metadata', link: {}, fields: () => ({ metadata: { a: 'b' } }), ...nothing },
  { what: 'no web link any more', link: {}, fields: () => ({ link_enabled: false }), ...nothing },
  {
    what: 'the same end again',
    link: window,
    fields: () => ({ valid_until: window.valid_until }),
    ...nothing,
  },
  { what: 'nothing', link: window, fields: () => ({}), ...nothing },
];

describe('a change of a link', () => {
  for (const { what, link, fields, effect, signed } of changes) {
    it(`to ${what} ${effect} and signs ${signed === 0 ? 'none' : 'a new one'}`, async () => {
      const { id } = await make(link);
      // A wider pass besides the first, so that there is more than one to end.
      await change(id, { valid_until: inDays(20) });
      await change(id, { valid_until: 'valid_until' in link ? window.valid_until : inDays(7) });
      const before = (await passesOf(id)).filter((pass) => pass.revoked_at === null);
      await change(id, fields());
      const after = await passesOf(id);
      const earlier = after.filter((pass) => before.some(({ pass_index }) => pass_index === pass.pass_index));
      const revoked = earlier.map(({ revoked_at }) => revoked_at !== null);
      assert.deepEqual(
        revoked,
        earlier.map(() => effect === 'ends every earlier pass'),
      );
      assert.ok(before.length > 0);
      const latest = Math.max(...before.map(({ pass_index }) => pass_index));
      assert.equal(after.filter(({ pass_index }) => pass_index > latest).length, signed);
    });
  }

  it('that narrows ends also the passes that an earlier change had left alone', async () => {
    const { id } = await make(window);
    for (const days of [4, 5, 6]) await change(id, { valid_until: inDays(days) });
    assert.deepEqual(
      (await passesOf(id)).map(({ revoked_at }) => revoked_at),
      [null, null, null, null],
    );
    await change(id, { valid_until: inDays(2) });
    const revoked = (await passesOf(id)).map(({ revoked_at }) => revoked_at !== null);
    assert.deepEqual(revoked, [true, true, true, true, false]);
  });

  it('to a QR code again signs a new pass', async () => {
    const { id } = await make({ quick_response_code_type: null });
    assert.equal(await currentClaims(id), null);
    await change(id, { quick_response_code_type: 'offline' });
    assert.equal((await currentClaims(id))?.link_id, id);
  });

  it('shows in the pass that is valid then', async () => {
    const { id } = await make(window);
    await change(id, { group_id: otherGroup, valid_until: inDays(2), max_uses: 3 });
    const claims = await currentClaims(id);
    assert.deepEqual(
      [claims?.group_id, claims?.online, claims?.expires_at],
      [otherGroup, true, Date.parse(inDays(2)) / 1000],
    );
  });
});

describe('a suspended link', () => {
  it('has no pass, whatever else changes, and a new one with all of that when it is resumed', async () => {
    const made = await make(window);
    const first = (await claimsOf(made.quick_response_code_token)).index;
    await change(made.id, { suspended: true });
    assert.equal(await currentClaims(made.id), null);
    await change(made.id, { valid_until: inDays(5), group_id: otherGroup });
    assert.equal(await currentClaims(made.id), null);
    assert.equal((await passesOf(made.id)).length, 1);
    await change(made.id, { suspended: false });
    const claims = await currentClaims(made.id);
    assert.ok(claims && claims.index > first);
    assert.deepEqual([claims.group_id, claims.expires_at], [otherGroup, Date.parse(inDays(5)) / 1000]);
    assert.deepEqual(
      (await passesOf(made.id)).map(({ revoked_at }) => revoked_at !== null),
      [true, false],
    );
  });

  it('that is resumed and suspended again leaves no pass valid', async () => {
    const { id } = await make();
    for (const suspended of [true, false, true, false, true]) await change(id, { suspended });
    const passes = await passesOf(id);
    assert.equal(passes.length, 3);
    assert.ok(passes.every(({ revoked_at }) => revoked_at !== null));
  });
});

describe('a revoked link', () => {
  it('leaves none of its passes valid, however many there are', async () => {
    const { id } = await make(window);
    for (const days of [4, 5]) await change(id, { valid_until: inDays(days) });
    const { status } = await server.call('DELETE', `/group_links/${id}`, { secret: server.api_key });
    assert.equal(status, 204);
    assert.deepEqual(
      (await passesOf(id)).map(({ revoked_at }) => revoked_at),
      [now, now, now],
    );
  });
});
