import { generateKeyPairSync } from 'node:crypto';
import { insertAgent } from '../server/agents/store.ts';
import type { Context, LoginCaller } from '../server/context.ts';
import { only } from '../server/database/database.ts';
import { insertDoor } from '../server/doors/store.ts';
import { insertGroup, insertGroupDoor } from '../server/groups/store.ts';
import { createLink } from '../server/links/links.ts';
import { currentPass } from '../server/links/passes.ts';
import { selectLink } from '../server/links/store.ts';
import { authenticateLogin, createApiKey } from '../server/logins/logins.ts';
import { rawPublicKey } from '../server/organizations/keys.ts';
import { insertPlace } from '../server/places/store.ts';
import { setUp } from '../server/setup.ts';

/** How many links are made at once: as many as one commit carries. */
const atOnce = 256;
/** So many that what one of them may ask for in a while is no limit for the load. */
const furtherKeys = 15;

/** One organization with one door behind an agent, and links that open it. */
export interface House {
  organization_id: number;
  api_key: string;
  /** All of the organization, that one among them. */
  api_keys: string[];
  door: { id: number; name: string };
  group_id: number;
  agent: { id: number; private_key: string };
  /** Further agents, each with one door of the same group. */
  fleet: FleetAgent[];
  links: { id: number; secret: string }[];
}

export interface FleetAgent {
  id: number;
  private_key: string;
  door_id: number;
}

export async function makeHouse(context: Context, linkCount: number, agentCount = 0): Promise<House> {
  const { organization, api_key } = await setUp(context, {
    name: 'Measured house',
    domain: 'measured',
    email: 'owner@measured.invalid',
  });
  const caller = only((await authenticateLogin(context, api_key)) ?? undefined);
  const building = await makeBuilding(context, organization.id, agentCount);
  const links = await makeLinks(context, caller, { group_id: building.group_id, count: linkCount });
  const api_keys = [api_key];
  for (let count = 0; count < furtherKeys; count++) {
    const key = await createApiKey(context, { organization_id: organization.id, name: `Key ${count}` });
    api_keys.push(key.secret);
  }
  return { organization_id: organization.id, api_key, api_keys, ...building, links };
}

export async function makeLinks(
  context: Context,
  caller: LoginCaller,
  { group_id, count }: { group_id: number; count: number },
): Promise<House['links']> {
  const links: House['links'] = [];
  while (links.length < count) {
    const few = Array.from({ length: Math.min(atOnce, count - links.length) }, async (_, index) => {
      const name = `Visitor ${links.length + index + 1}`;
      const { id, secret } = await createLink(context, caller, { name, group_id });
      return { id, secret: only(secret ?? undefined) };
    });
    links.push(...(await Promise.all(few)));
  }
  return links;
}

export async function passesOf(
  context: Context,
  organization_id: number,
  links: House['links'],
): Promise<string[]> {
  const { read } = context.database.of(organization_id);
  const passes: string[] = [];
  for (const { id } of links) {
    const link = only(await selectLink(read, organization_id, id));
    passes.push(only((await currentPass(context.keys, read, link)) ?? undefined));
  }
  return passes;
}

async function makeBuilding(context: Context, organization_id: number, agentCount: number) {
  const at = context.clock.now();
  const times = { created_at: at, updated_at: at, deleted_at: null };
  const nowhere = { description: null, latitude: null, longitude: null };
  return context.database.of(organization_id).transaction(async (tx) => {
    const place = { organization_id, name: 'House', address: '1 Gate Lane', time_zone: 'Europe/Berlin' };
    const place_id = await insertPlace(tx, { ...place, ...nowhere, ...times });
    const group = { organization_id, place_id, name: 'Visitors', description: null };
    const group_id = await insertGroup(tx, { ...group, ...times });
    const driven = async (name: string): Promise<FleetAgent> => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      const public_key = rawPublicKey(publicKey);
      const agent_id = await insertAgent(tx, { organization_id, name: 'Agent', public_key, created_at: at });
      const door = { organization_id, place_id, agent_id, name, order_id: null, locked_down_at: null };
      const door_id = await insertDoor(tx, { ...door, ...nowhere, ...times });
      await insertGroupDoor(tx, { organization_id, group_id, door_id, created_at: at, updated_at: at });
      const private_key = String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
      return { id: agent_id, private_key, door_id };
    };
    const { door_id, ...agent } = await driven('Front door');
    const fleet: FleetAgent[] = [];
    while (fleet.length < agentCount) fleet.push(await driven(`Door ${fleet.length + 2}`));
    return { door: { id: door_id, name: 'Front door' }, group_id, agent, fleet };
  });
}
