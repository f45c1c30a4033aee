import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { addMs } from '../../domain/instants.ts';
import { startTestServer, TestClock, type TestServer } from '../../test/test-server.ts';
import { type LinkListQuery, type SearchSizes, selectLinks } from './list.ts';

const now = '2026-12-01T09:00:00.000Z';
const inDays = (days: number) => addMs(now, days * 24 * 3_600_000);

const clock = new TestClock(now);
const groups: Record<string, number> = {};
const links: Record<string, number> = {};
let server: TestServer;

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });

/** The names on the page, in order. */
async function namesOf(query: string): Promise<string[]> {
  const { status, body } = await call('GET', `/group_links?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body.map(({ name }: { name: string }) => name);
}

/** The same, sorted: for filters, whose order is not the point. */
const found = async (query: string) => (await namesOf(`limit=250&${query}`)).sort();

async function rangeOf(query: string): Promise<string | null> {
  return (await call('GET', `/group_links?${query}`)).headers.get('x-collection-range');
}

const people: readonly [string, object][] = [
  ['ann', { email: 'ann@example.org', valid_until: inDays(5) }],
  ['Bob', { phone: '+4930123456', valid_until: inDays(3) }],
  ['cleo', { valid_until: inDays(4) }],
  ['100% Dan', {}],
  ['under_score', {}],
  ['back\\slash', {}],
  ["quote's", {}],
  ['Élodie', {}],
  ['under score', { group: 'Meeting rooms' }],
  ['Gil', { group: 'Meeting rooms' }],
  ['Hal', {}],
  ['Ida', {}],
  ['over', {}],
  ['suspended', {}],
  ['revoked', {}],
];

before(async () => {
  server = await startTestServer({ clock });
  for (const name of ['Visitors', 'Meeting rooms'])
    groups[name] = (await server.create('group', { name })).id;
  for (const [name, { group = 'Visitors', ...fields }] of people as [string, { group?: string }][]) {
    links[name] = (await server.create('group_link', { name, group_id: groups[group], ...fields })).id;
  }
  await call('PATCH', `/group_links/${links['over']}`, { group_link: { valid_until: inDays(-1) } });
  await call('PATCH', `/group_links/${links['suspended']}`, { group_link: { suspended: true } });
  await call('DELETE', `/group_links/${links['revoked']}`);
});
after(() => server.close());

describe('GET /group_links, page by page', () => {
  it('answers ten at first, oldest first, and says how many there are', async () => {
    const { body, headers } = await call('GET', '/group_links');
    assert.deepEqual(
      body.map(({ name }: { name: string }) => name),
      people.slice(0, 10).map(([name]) => name),
    );
    assert.equal(headers.get('x-collection-range'), '0-9/14');
  });

  it('answers every link once over all pages, and then nothing', async () => {
    const seen: string[] = [];
    const ranges: (string | null)[] = [];
    for (let offset = 0; offset <= 16; offset += 4) {
      seen.push(...(await namesOf(`limit=4&offset=${offset}`)));
      ranges.push(await rangeOf(`limit=4&offset=${offset}`));
    }
    assert.deepEqual(
      seen,
      people.slice(0, 14).map(([name]) => name),
    );
    assert.deepEqual(ranges, ['0-3/14', '4-7/14', '8-11/14', '12-13/14', '*/14']);
  });

  it('says */total beyond the end, and */0 when nothing matches', async () => {
    assert.equal(await rangeOf('offset=20000'), '*/14');
    assert.equal(await rangeOf('query=nobody'), '*/0');
  });

  const wrong = [
    'limit=0',
    'limit=251',
    'limit=-1',
    'limit=1.5',
    'limit=ten',
    'limit=1&limit=2',
    'offset=-1',
    'offset=20001',
    'offset=1e3',
  ];
  for (const query of wrong) {
    it(`refuses ${query} and names it`, async () => {
      const { status, body } = await call('GET', `/group_links?${query}`);
      assert.deepEqual([status, Object.keys(body.errors)], [422, [query.split('=')[0]]]);
    });
  }

  it('allows the largest page and the furthest offset', async () => {
    assert.equal((await call('GET', '/group_links?limit=250&offset=20000')).status, 200);
  });
});

describe('GET /group_links, filtered', () => {
  it('by ids, those that exist, each once', async () => {
    const ids = [links['Gil'], links['ann'], links['ann'], links['revoked'], 999_999].join(',');
    assert.deepEqual(await found(`ids=${ids}`), ['Gil', 'ann']);
    assert.deepEqual(await found('ids=999999'), []);
    assert.deepEqual(await found('ids=9999999999999999'), []);
    assert.deepEqual(await found(`ids=${Array(250).fill(links['ann']).join(',')}`), ['ann']);
  });

  it('by group', async () => {
    assert.deepEqual(await found(`group_id=${groups['Meeting rooms']}`), ['Gil', 'under score']);
    assert.deepEqual(await found('group_id=999999'), []);
    assert.equal(await rangeOf(`group_id=${groups['Meeting rooms']}`), '0-1/2');
  });

  it('by a piece of name, e-mail, phone or the name of the group, whatever its case', async () => {
    assert.deepEqual(await found('query=OB'), ['Bob']);
    assert.deepEqual(await found('query=ann%40example'), ['ann']);
    assert.deepEqual(await found('query=%2B4930'), ['Bob']);
    assert.deepEqual(await found('query=meeting'), ['Gil', 'under score']);
    assert.deepEqual(await found('query=%C3%89lo'), ['Élodie']);
    assert.deepEqual(await found('query=Bob%20'), []);
  });

  it('by a query that means every letter as it stands', async () => {
    assert.deepEqual(await found('query=%25'), ['100% Dan']);
    assert.deepEqual(await found('query=_'), ['under_score']);
    assert.deepEqual(await found('query=r_s'), ['under_score']);
    assert.deepEqual(await found('query=%5C'), ['back\\slash']);
    assert.deepEqual(await found("query='"), ["quote's"]);
    assert.deepEqual(await found("query=' or 1=1 --"), []);
  });

  it('by a query whose letters a database may take for the end of a text', async () => {
    const { status, body } = await call('GET', '/group_links?query=ann%00nobody');
    assert.ok(status === 422 || body.length === 0, `${status}, ${body.length} found`);
  });

  it('by state: what may still open a door, or what has ended, revoked ones included', async () => {
    const all = people.map(([name]) => name).sort();
    assert.deepEqual(await found('state=ended'), ['over', 'revoked']);
    assert.deepEqual(
      await found('state=active'),
      all.filter((name) => name !== 'over' && name !== 'revoked'),
    );
    assert.deepEqual(
      await found(''),
      all.filter((name) => name !== 'revoked'),
    );
  });

  it('counts a link that ends now as ended', async () => {
    clock.set(inDays(3));
    assert.ok((await found('state=ended')).includes('Bob'));
    clock.set(addMs(inDays(3), -1));
    assert.ok(!(await found('state=ended')).includes('Bob'));
    clock.set(now);
  });

  it('by several things at once', async () => {
    const query = `group_id=${groups['Visitors']}&query=n&state=active&ids=${links['ann']},${links['Gil']},${links['Bob']}`;
    assert.deepEqual(await found(query), ['ann']);
  });

  it('takes an empty value for no filter: programs send their empty fields along', async () => {
    const all = await found('');
    for (const empty of ['query=', 'ids=', 'group_id=', 'state=', 'sort=', 'limit=', 'offset=']) {
      const { status, body } = await call(
        'GET',
        `/group_links?${empty}&limit=250`.replace('limit=&limit=250', 'limit='),
      );
      assert.equal(status, 200, `${empty} ${JSON.stringify(body)}`);
      if (empty !== 'limit=') assert.equal(body.length, all.length, empty);
    }
  });

  const refused = [
    'ids=a',
    'ids=1,,2',
    'ids=-1',
    'group_id=x',
    'group_id=0',
    'sort=email',
    'sort=--name',
    'state=revoked',
    'foo=1',
    '__proto__=1',
    'limit[]=1',
  ];
  for (const query of refused) {
    it(`refuses ${query} and names it`, async () => {
      const { status, body } = await call('GET', `/group_links?${query}`);
      assert.equal(status, 422, JSON.stringify(body).slice(0, 200));
      assert.deepEqual(Object.keys(body.errors), [query.split('=')[0]]);
    });
  }
});

describe('GET /group_links, sorted', () => {
  it('by name, whatever its case, and back', async () => {
    const names = await namesOf('sort=name&limit=250');
    const expected = [...names].sort((one, other) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1));
    assert.deepEqual(names, expected);
    assert.deepEqual(await namesOf('sort=-name&limit=250'), expected.toReversed());
  });

  it('by end, and back', async () => {
    const ends = async (sort: string) =>
      (await call('GET', `/group_links?sort=${sort}&limit=250`)).body.map(
        (link: { valid_until: string }) => link.valid_until,
      );
    const rising = await ends('valid_until');
    assert.deepEqual(rising, rising.toSorted());
    assert.deepEqual(await ends('-valid_until'), rising.toReversed());
    assert.deepEqual((await namesOf('sort=valid_until')).slice(0, 4), ['over', 'Bob', 'cleo', 'ann']);
  });

  it('by the name of the group, and by age within it', async () => {
    assert.deepEqual((await namesOf('sort=group_name')).slice(0, 3), ['under score', 'Gil', 'ann']);
    assert.deepEqual((await namesOf('sort=-group_name&limit=250')).slice(-2), ['Gil', 'under score']);
  });

  it('by the last unlock: those never used first, then from the oldest to the latest', async () => {
    const use = (name: string, at: string) =>
      server.context.database.everywhere.transaction(async (tx) => {
        await tx.query
          .updateTable('links')
          .set({ last_used_at: at })
          .where('id', '=', links[name] ?? 0)
          .execute();
      });
    await use('Hal', inDays(-1));
    await use('ann', inDays(-2));
    assert.deepEqual((await namesOf('sort=unlock&limit=250')).slice(-2), ['ann', 'Hal']);
    assert.deepEqual((await namesOf('sort=-unlock')).slice(0, 2), ['Hal', 'ann']);
  });

  it('keeps its pages apart when many are equal', async () => {
    const seen: string[] = [];
    for (let offset = 0; offset < 14; offset += 5)
      seen.push(...(await namesOf(`sort=group_name&limit=5&offset=${offset}`)));
    assert.equal(new Set(seen).size, 14);
  });
});

describe('GET /group_links by cursor', () => {
  /** The names on all pages, from the first to the one that names no next one. */
  async function walk(query: string, between: (page: number) => Promise<unknown> = async () => {}) {
    const names: string[] = [];
    let path: string | undefined = `/group_links?${query}`;
    for (let page = 0; path !== undefined; page++) {
      const { status, body, headers } = await call('GET', path);
      assert.equal(status, 200, JSON.stringify(body));
      names.push(...body.map(({ name }: { name: string }) => name));
      path = /^<([^>]*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
      assert.equal(
        new URLSearchParams(path?.split('?')[1]).get('cursor'),
        headers.get('x-next-cursor'),
        'the two headers name the same page',
      );
      if (path !== undefined) await between(page);
    }
    return names;
  }

  const sorts = ['', 'name', '-name', 'unlock', '-unlock', 'valid_until', '-valid_until'];
  for (const sort of [...sorts, 'group_name', '-group_name']) {
    it(`walks through the list sorted by ${sort || 'age'} in its order`, async () => {
      const expected = await namesOf(`sort=${sort}&limit=250`);
      for (const limit of [1, 3, 7, 14])
        assert.deepEqual(await walk(`sort=${sort}&limit=${limit}`), expected, String(limit));
    });
  }

  it('keeps the filters', async () => {
    const expected = await namesOf('sort=-name&query=e&state=active&limit=250');
    assert.ok(expected.length > 4);
    assert.deepEqual(await walk('sort=-name&query=e&state=active&limit=2'), expected);
    assert.deepEqual(await walk(`group_id=${groups['Meeting rooms']}&limit=1`), ['under score', 'Gil']);
  });

  it('shows each link once while others come and go', async () => {
    const expected = await namesOf('limit=250');
    const made: number[] = [];
    const seen = await walk('limit=3', async () => {
      const fields = { name: 'late', group_id: groups['Visitors'] };
      made.push((await server.create('group_link', fields)).id);
      if (made.length % 2 === 0) await call('DELETE', `/group_links/${made.at(-1)}`);
    });
    assert.deepEqual(
      seen.filter((name) => name !== 'late'),
      expected,
    );
    for (const id of made) await call('DELETE', `/group_links/${id}`);
  });

  it('goes on from where it was when that very link moves: nothing is left out', async () => {
    const expected = await namesOf('sort=unlock&limit=250');
    const seen = await walk('sort=unlock&limit=4', async (page) => {
      if (page > 0) return;
      const id = links[expected[3] ?? ''] ?? 0;
      await server.context.database.everywhere.transaction(async (tx) => {
        await tx.query.updateTable('links').set({ last_used_at: now }).where('id', '=', id).execute();
      });
    });
    assert.deepEqual(seen.slice(0, expected.length), expected);
  });

  it('works for the longest names in headers and addresses', async () => {
    const made: number[] = [];
    for (const letter of ['\ufdfa', '😀']) {
      const name = letter.repeat(letter.length === 2 ? 100 : 200);
      made.push((await server.create('group_link', { name, group_id: groups['Visitors'] })).id);
    }
    const expected = await namesOf('sort=-name&limit=250');
    assert.deepEqual(await walk('sort=-name&limit=1'), expected);
    for (const id of made) await call('DELETE', `/group_links/${id}`);
  });

  it('says nothing of ranges on a page that a cursor began', async () => {
    const { headers } = await call('GET', '/group_links?limit=3');
    const page = await call('GET', `/group_links?limit=3&cursor=${headers.get('x-next-cursor')}`);
    assert.equal(page.headers.get('x-collection-range'), null);
    assert.equal(page.body.length, 3);
    assert.equal((await call('GET', '/group_links?limit=250')).headers.get('link'), null);
  });

  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const wrong: readonly [string, string, string][] = [
    ['no cursor at all', 'cursor=1', 'cursor'],
    ['one with other letters', 'cursor=%00', 'cursor'],
    ['one of another sorting', `cursor=${encoded(['name', 'x', 1])}`, 'cursor'],
    ['one without an id', `cursor=${encoded(['id', 'x'])}`, 'cursor'],
    ['one with half an id', `cursor=${encoded(['id', 'x', 1.5])}`, 'cursor'],
    [
      'one that holds what databases take for an end',
      `sort=name&cursor=${encoded(['name', '\0', 1])}`,
      'cursor',
    ],
    ['one that is an object', `cursor=${encoded({ sort: 'id' })}`, 'cursor'],
    ['one beside an offset', `offset=1&cursor=${encoded(['id', '1', 1])}`, 'offset'],
  ];
  for (const [what, query, field] of wrong) {
    it(`refuses ${what} and names ${field}`, async () => {
      const { status, body } = await call('GET', `/group_links?${query}`);
      assert.deepEqual([status, Object.keys(body.errors ?? {})], [422, [field]], JSON.stringify(body));
    });
  }
});

describe('a search in many links', () => {
  const texts = ['e', 'score', 'meeting', 'nobody', 'EXAMPLE'];
  const sorts: LinkListQuery[] = [{}, { sort: '-valid_until' }];
  const others: LinkListQuery[] = [{}, { offset: 2 }, { state: 'ended' }];
  const pageOf = async (query: LinkListQuery, sizes?: SearchSizes) => {
    const { organization_id } = server;
    const { read } = server.context.database.of(organization_id);
    const page = await selectLinks(
      read,
      { sight: { organization_id, group_ids: null }, query, at: now },
      sizes,
    );
    return { ...page, rows: page.rows.map(({ name }) => name) };
  };

  it('finds the same, whatever the size of the pieces and however many are found', async () => {
    let compared = 0;
    for (const text of texts) {
      for (const sort of sorts) {
        for (const other of others) {
          const query = { query: text, limit: 3, ...sort, ...other };
          const whole = await pageOf(query);
          const { offset: _, ...sorted } = query;
          const next = whole.cursor === null ? null : { ...sorted, cursor: whole.cursor };
          const wholeNext = next && (await pageOf(next));
          for (const linksPerPiece of [1, 4])
            for (const idsMax of [0, 1_000]) {
              const sizes = { linksPerPiece, idsMax };
              assert.deepEqual(await pageOf(query, sizes), whole, JSON.stringify(query));
              assert.deepEqual(next && (await pageOf(next, sizes)), wholeNext, JSON.stringify(next));
            }
          compared += whole.rows.length + (wholeNext?.rows.length ?? 0);
        }
      }
    }
    assert.ok(compared > 20, `${compared} rows`);
  });

  it('finds no link of another organization', async () => {
    const { database } = server.context;
    const sight = { organization_id: server.organization_id + 1, group_ids: null };
    const wanted = { sight, query: { query: 'a' }, at: now };
    const { rows, range } = await selectLinks(database.everywhere.read, wanted);
    assert.deepEqual([rows, range], [[], '*/0']);
  });

  it('lets others in between its pieces', async () => {
    let turns = 0;
    let over = false;
    const counting = (async () => {
      for (; !over; turns++) await turnOfTheLoop();
    })();
    await pageOf({ query: 'ann' }, { linksPerPiece: 1, idsMax: 10 });
    over = true;
    await counting;
    assert.ok(turns >= people.length, `${turns} turns`);
  });
});
