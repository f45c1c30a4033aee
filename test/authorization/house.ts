import assert from 'node:assert/strict';
import { insertAgent } from '../../server/agents/store.ts';
import { createApiKey, revokeApiKey } from '../../server/logins/logins.ts';
import { openSession } from '../../server/logins/sessions.ts';
import { selectMember } from '../../server/members/store.ts';
import { createOrganization } from '../../server/organizations/organizations.ts';
import type { TestServer } from '../test-server.ts';

/** An organization of a test. Its word stands in every text of everything it has, so that a leak can be recognised. */
export interface House {
  server: TestServer;
  word: string;
  organization: number;
  owner: number;
  /** Everything that an admin may. */
  key: string;
}

/** One of each kind, as ids: the first group holds the door and the link, the other group is beside it. */
export interface Things {
  organization: number;
  place: number;
  door: number;
  group: number;
  otherGroup: number;
  groupDoor: number;
  schedule: number;
  link: number;
  eventSet: number;
  agent: number;
  /** A tablet at the door, not enrolled yet. */
  reader: number;
  /** A viewer who was invited and has no password yet. */
  member: number;
  /** An API key. */
  login: number;
  /** Shown to nobody but their owner: the link's secret and pass, the invitation, the API key. */
  secrets: readonly string[];
  linkSecret: string;
}

export async function makeHouse(server: TestServer, word: string): Promise<House> {
  const owner = { email: `owner@${word}.invalid`, password: 'correct horse battery' };
  const made = await createOrganization(server.context, { name: `House ${word}`, domain: word, owner });
  const named = { organization_id: made.id, name: `Key ${word}` };
  const { secret: key } = await createApiKey(server.context, named);
  return { server, word, organization: made.id, owner: made.owner_id, key };
}

/** What the house's own key is answered; throws unless it succeeded. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export async function have(house: House, asked: string, body?: object): Promise<any> {
  const [method = '', path = ''] = asked.split(' ');
  const answer = await house.server.call(method, path, { secret: house.key, ...(body ? { body } : {}) });
  assert.ok(answer.status < 300, `${asked}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

let count = 0;
/** An address that nobody has yet. */
export const freshEmail = (word: string) => `guest-${++count}@${word}.example`;

export async function furnish(house: House): Promise<Things> {
  const { word } = house;
  const about = (noun: string) => ({ name: `${noun} ${word}`, description: `A ${noun} of ${word}` });
  const place = (await have(house, 'POST /places', { place: { ...about('Place'), address: word } })).id;
  const door = (await have(house, 'POST /locks', { lock: { ...about('Door'), place_id: place } })).id;
  const group = (await have(house, 'POST /groups', { group: about('Group') })).id;
  const otherGroup = (await have(house, 'POST /groups', { group: about('Other') })).id;
  const inside = { group_id: group, lock_id: door };
  const groupDoor = (await have(house, 'POST /group_locks', { group_lock: inside })).id;
  const guest = { name: `Guest ${word}`, email: freshEmail(word), metadata: { word }, group_id: group };
  const link = await have(house, 'POST /group_links', { group_link: guest });
  const hours = { name: `Hours ${word}`, scheduleable_type: 'Group', scheduleable_id: group, tuesday: true };
  const schedule = (await have(house, 'POST /schedules', { schedule: hours })).id;
  const agent = await makeAgent(house, door);
  const tablet = { name: `Tablet ${word}`, lock_id: door };
  const reader = await have(house, 'POST /readers', { reader: tablet });
  const people = await makePeople(house);
  const eventSet = (await have(house, 'POST /event_sets', { event_set: {} })).id;
  return {
    ...{ organization: house.organization, place, door, group, otherGroup, groupDoor, schedule, agent },
    reader: reader.id,
    ...{ link: link.id, linkSecret: link.secret, eventSet, member: people.member, login: people.login },
    secrets: [link.secret, link.quick_response_code_token, reader.enrollment_code, ...people.secrets],
  };
}

/** Enrolled and never there; it drives the door, so that whoever sees the one sees the other. */
function makeAgent({ server, organization, word }: House, door: number): Promise<number> {
  const { context } = server;
  const row = { organization_id: organization, name: `Agent ${word}`, public_key: Buffer.alloc(32) };
  return context.database.of(organization).transaction(async (tx) => {
    const agent_id = await insertAgent(tx, { ...row, created_at: context.clock.now() });
    await tx.query.updateTable('doors').set({ agent_id }).where('id', '=', door).execute();
    return agent_id;
  });
}

async function makePeople(house: House): Promise<{ member: number; login: number; secrets: string[] }> {
  const { word } = house;
  const about = { name: `Member ${word}`, notes: `Notes of ${word}`, metadata: { word } };
  const member = await have(house, 'POST /members', { member: { ...about, email: freshEmail(word) } });
  const key = await makeKey(house);
  return { member: member.id, login: key.id, secrets: [member.invitation.secret, key.secret] };
}

const keysMade: { house: House; id: number }[] = [];

/** An organization has no more than 100 at once: `endKeys` ends them after each test. */
export async function makeKey(
  house: House,
  scopes?: NonNullable<Parameters<typeof createApiKey>[1]['scopes']>,
) {
  const { context } = house.server;
  const named = { organization_id: house.organization, name: `Key ${house.word}` };
  const key = await createApiKey(context, scopes ? { ...named, scopes } : named);
  keysMade.push({ house, id: key.id });
  return key;
}

/** Those made so far stay. */
export function keepKeys(): void {
  keysMade.length = 0;
}

export async function endKeys(): Promise<void> {
  for (const { house, id } of keysMade.splice(0)) await revokeApiKey(house.server.context, id);
}

/** Signs a member in without asking for a password. */
export async function signIn({ server, organization }: House, id: number): Promise<string> {
  const { context } = server;
  const member = await selectMember(context.database.of(organization).read, {
    organization_id: organization,
    id,
  });
  assert.ok(member);
  return (await openSession(context, member, 'Session of a test')).secret;
}
