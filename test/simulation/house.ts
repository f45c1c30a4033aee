import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { insertAgent } from '../../server/agents/store.ts';
import { openSqlite } from '../../server/database/sqlite.ts';
import { createApiKey } from '../../server/logins/logins.ts';
import { rawPublicKey } from '../../server/organizations/keys.ts';
import { createOrganization } from '../../server/organizations/organizations.ts';
import type { Enrolled } from './agents.ts';
import { Chance } from './chance.ts';
import { type Call, ServerProcess } from './server.ts';
import { Time } from './time.ts';

/** A folder in memory, where the system has one: nothing here has to survive this machine. */
const memory = '/dev/shm';

/** For so long an agent that hears nothing from the server lets somebody in whose pass was ended meanwhile. */
export const offlineLimitMs = 120_000;

/** When every world begins. */
export const start = '2026-03-02T06:00:00.000Z';

export interface House {
  organization_id: number;
  /** Stands in the name of everything of this organization, and of nothing of another. */
  canary: string;
  authorization: string;
  places: { id: number; offsetMinutes: number }[];
  doors: { id: number; place_id: number }[];
  groups: { id: number; door_ids: number[] }[];
}

/** What worlds are copies of: two organizations with five doors and three agents between them. */
export interface Template extends Disposable {
  folder: string;
  file: string;
  secretKey: Uint8Array;
  houses: readonly [House, House];
  agents: readonly Enrolled[];
}

interface Plan {
  canary: string;
  /** Places with zones that never change, so that the world can tell their time without a calendar. */
  places: { time_zone: string; offsetMinutes: number }[];
  /** In which of the places each door is. */
  doors: number[];
  groups: number[][];
  agents: number[][];
}

const plans: readonly [Plan, Plan] = [
  {
    canary: 'Aspenhold',
    places: [
      { time_zone: 'UTC', offsetMinutes: 0 },
      { time_zone: 'Asia/Kolkata', offsetMinutes: 330 },
    ],
    doors: [0, 0, 1],
    groups: [
      [0, 1],
      [2, 0],
    ],
    agents: [[0, 1], [2]],
  },
  {
    canary: 'Birchmoor',
    places: [{ time_zone: 'Asia/Tokyo', offsetMinutes: 540 }],
    doors: [0, 0],
    groups: [[0], [0, 1]],
    agents: [[0, 1]],
  },
];

/** Made once, by the server itself; each world then copies the file. */
export async function makeTemplate(): Promise<Template> {
  const chance = new Chance(1);
  const time = new Time(start);
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'postern-simulation-'));
  const file = join(folder, 'template.db');
  const secretKey = chance.bytes(32);
  const database = openSqlite(file);
  const onError = (error: unknown) => {
    throw error;
  };
  const server = new ServerProcess({ database, time, chance, secretKey, onError });
  const houses: House[] = [];
  const agents: Enrolled[] = [];
  for (const plan of plans) {
    const house = await furnish(server, plan);
    houses.push(house);
    for (const doors of plan.agents) {
      const door_ids = doors.map((index) => idAt(house.doors, index));
      agents.push(await enroll(server, { house, door_ids }));
    }
  }
  await database.everywhere.transaction((tx) =>
    tx.query
      .updateTable('doors')
      .set({ static_offline_limit: offlineLimitMs / 1_000 })
      .execute(),
  );
  await database.close();
  server.kill();
  const [one, other] = houses;
  if (!one || !other) throw new Error('there are two');
  const dispose = () => rmSync(folder, { recursive: true, force: true });
  return { folder, file, secretKey, houses: [one, other], agents, [Symbol.dispose]: dispose };
}

async function furnish(server: ServerProcess, plan: Plan): Promise<House> {
  const { context } = server;
  const { canary } = plan;
  const domain = canary.toLowerCase();
  const owner = { email: `owner@${domain}.invalid`, password: canary.repeat(4) };
  const { id: organization_id } = await createOrganization(context, { name: canary, domain, owner });
  const key = await createApiKey(context, { organization_id, name: `${canary} key` });
  const authorization = `KISI-LOGIN ${key.secret}`;
  const create = (operation: Call['operation'], body: unknown) =>
    created(server, { operation, body, authorization });
  const house: House = { organization_id, canary, authorization, places: [], doors: [], groups: [] };
  for (const [index, { time_zone, offsetMinutes }] of plan.places.entries()) {
    const place = { name: `${canary} place ${index}`, address: `${canary} Lane`, time_zone };
    house.places.push({ id: await create('places.create', { place }), offsetMinutes });
  }
  for (const [index, at] of plan.doors.entries()) {
    const place_id = idAt(house.places, at);
    const lock = { name: `${canary} door ${index}`, place_id };
    house.doors.push({ id: await create('doors.create', { lock }), place_id });
  }
  for (const [index, doors] of plan.groups.entries()) {
    const id = await create('groups.create', { group: { name: `${canary} group ${index}` } });
    const door_ids = doors.map((door) => idAt(house.doors, door));
    for (const lock_id of door_ids)
      await create('group_doors.create', { group_lock: { group_id: id, lock_id } });
    house.groups.push({ id, door_ids });
  }
  return house;
}

async function enroll(
  { context, ready }: ServerProcess,
  { house, door_ids }: { house: House; door_ids: number[] },
): Promise<Enrolled> {
  const { organization_id, canary } = house;
  const { publicKey, privateKey: private_key } = context.random.keyPair();
  const { publicKey: server_public_key } = await ready;
  const agent_id = await context.database.of(organization_id).transaction(async (tx) => {
    const row = { organization_id, name: `${canary} agent`, created_at: context.clock.now() };
    const id = await insertAgent(tx, { ...row, public_key: rawPublicKey(publicKey) });
    await tx.query.updateTable('doors').set({ agent_id: id }).where('id', 'in', door_ids).execute();
    return id;
  });
  return { agent_id, private_key, server_public_key, public_url: context.publicUrl, door_ids };
}

async function created(server: ServerProcess, call: Call): Promise<number> {
  const reply = await server.handle(call);
  if (reply?.status !== 200) throw new Error(`${call.operation} answered ${reply?.text}`);
  return reply.body.id;
}

function idAt(list: readonly { id: number }[], index: number): number {
  const found = list[index];
  if (!found) throw new Error(`there is no number ${index}`);
  return found.id;
}
