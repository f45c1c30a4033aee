import { randomBytes, randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { type CreatedLink, type RunningDemo, type Settings, startDemo } from './demo-process.ts';
import { type Answer, fetchAnswer } from './test-server.ts';
import { type Reading, readWhole } from './whole-reading.ts';

/** A demo's folder in which everything has happened at least once. */
export interface FurnishedDemo {
  /** Of whoever serves it, but for where its data is. */
  settings: Settings;
  folder: string;
  demo: RunningDemo['demo'];
  /** The secret of the owner, who is signed in. */
  owner: string;
  links: Record<'open' | 'online' | 'usedUp' | 'revoked' | 'suspended', CreatedLink>;
  event_set_id: number;
}

interface Reached {
  url: string;
}

/** Starts a demo, fills it over the API and stops it. */
export async function furnishDemo(folder: string): Promise<FurnishedDemo> {
  const given = {
    POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
    POSTERN_PORT: '0',
    POSTERN_RATE_LIMITS: 'off',
  };
  await using running = await startDemo(folder, given);
  const { demo } = running;
  const { domain } = demo.organization;
  const signIn = { user: { ...demo.owner, domain } };
  const owner = (await must(running.call('POST', '/logins', { body: signIn }))).secret;
  const post = (path: string, body: object) => must(running.call('POST', path, { secret: owner, body }));
  await makeBuilding(post);
  await makePeople(post, demo.group_id);
  const links = await makeLinks(running, post);
  const set = await post('/event_sets', { event_set: { event_type: 'group_link.create' } });
  await running.kill('SIGTERM');
  const settings = { ...given, POSTERN_PUBLIC_URL: demo.url }; // what its links begin with
  return { settings, folder, demo, owner, links, event_set_id: set.id };
}

type Post = (path: string, body: object) => ReturnType<typeof must>;

/** More of each than one page holds. */
async function makeBuilding(post: Post): Promise<void> {
  for (let number = 1; number <= 11; number++) {
    const place = await post('/places', { place: { name: `Haus ${number} Süd`, address: '2 Gate Lane' } });
    const lock = await post('/locks', { lock: { name: `Tür ${number}`, place_id: place.id } });
    const group = await post('/groups', { group: { name: `Gruppe ${number}`, place_id: place.id } });
    await post('/group_locks', { group_lock: { group_id: group.id, lock_id: lock.id } });
    const hours = { weekly: [{ days: [1, 2, 3], start: '08:00', end: '18:00' }] };
    const on = { scheduleable_type: 'Group', scheduleable_id: group.id };
    await post('/schedules', {
      schedule: { name: `Hours ${number}`, type: 'recurring_event', ...on, ...hours },
    });
  }
}

async function makePeople(post: Post, group_id: number): Promise<void> {
  for (let number = 1; number <= 11; number++) {
    const [role, group_ids] = number % 2 === 0 ? ['manager', [group_id]] : ['viewer', []];
    const member = { name: `Member ${number}`, email: `member${number}@example.org`, role, group_ids };
    await post('/members', { member });
  }
  for (const name of ['Booking system', 'Second system'])
    await post('/logins', { login: { type: 'api', name } });
}

async function makeLinks(running: RunningDemo, post: Post): Promise<FurnishedDemo['links']> {
  const { demo } = running;
  const lock = demo.locks[0]?.id ?? 0;
  const create = (name: string, fields: object = {}): Promise<CreatedLink> =>
    post('/group_links', { group_link: { name, group_id: demo.group_id, ...fields } });
  const unlock = ({ secret }: CreatedLink) =>
    running.call('POST', `/locks/${lock}/unlock`, { secret, as: 'link' });
  const links = {
    open: await create('Ada Öztürk', { email: 'ada@example.org', metadata: { room: '4' } }),
    online: await create('Bo', { quick_response_code_type: 'online', phone: '+4915112345678' }),
    usedUp: await create('Cy', { max_uses: 1 }),
    revoked: await create('Di'),
    suspended: await create('Ed'),
  };
  for (let number = 1; number <= 11; number++)
    await create(`Guest ${number}`, {
      valid_from: '2099-01-01T00:00:00Z',
      valid_until: '2099-01-02T00:00:00Z',
    });
  for (const link of [links.open, links.usedUp]) await must(unlock(link));
  await must(running.call('DELETE', `/group_links/${links.revoked.id}`), 204);
  await must(
    running.call('PATCH', `/group_links/${links.suspended.id}`, {
      body: { group_link: { suspended: true } },
    }),
  );
  for (const link of [links.usedUp, links.revoked, links.suspended]) await must(unlock(link), 403);
  await must(running.call('POST', `/group_links/${links.open.id}/reveal`));
  return links;
}

/** Everything that the owner is shown by a server on this data. */
export function readFurnished(at: Reached, { owner, event_set_id }: FurnishedDemo): Promise<Reading> {
  const get = (path: string) => fetchAnswer(at.url, { method: 'GET', path, secret: owner });
  return readWhole(get, [
    `/event_sets/${event_set_id}`,
    '/group_links?state=ended',
    '/group_links?sort=-name',
    '/group_links?query=%C3%96ZT',
    '/places?query=s%C3%BCd',
    '/events?event_success=false',
    '/events?event_type=lock.unlock,group_link.destroy',
  ]);
}

/** As many events as if this had been used for long; they differ from the first one in nothing but their names. */
export function addEvents(file: string, events: number): void {
  using database = new DatabaseSync(file);
  const columns = database
    .prepare('pragma table_info(events)')
    .all()
    .map(({ name }) => String(name))
    .filter((name) => name !== 'uuid' && name !== 'position')
    .join(', ');
  database.function('fresh_uuid', () => randomUUID());
  database.exec(
    `with recursive numbers (number) as (select 1 union all select number + 1 from numbers where number < ${events})
     insert into events (uuid, ${columns})
     select fresh_uuid(), ${columns} from numbers, events where position = 1`,
  );
}

async function must(asked: Promise<Answer>, wanted = 200): Promise<Answer['body']> {
  const { status, body } = await asked;
  if (status !== wanted) throw new Error(`answered ${status} instead of ${wanted}: ${JSON.stringify(body)}`);
  return body;
}
