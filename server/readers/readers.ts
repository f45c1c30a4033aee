import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import type { NewReader, ReaderChange } from '../../domain/schemas/readers.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { RowKey, Transaction } from '../database/database.ts';
import { selectDoor } from '../doors/store.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { type EnrollmentCode, newEnrollmentCode } from './codes.ts';
import {
  insertReader,
  type StoredReader,
  selectReader,
  selectReadersOfAgent,
  updateReader,
} from './store.ts';

/** An agent that has proven who it is, and the readers that it says it has. */
export interface AgentWithReaders {
  organization_id: number;
  agent_id: number;
  door_ids: ReadonlySet<number>;
  readers: readonly { name: string; door_id: number }[];
}

/** Makes a tablet a reader of a door: it is one when it has been enrolled with the code that this answers. */
export async function createReader(
  context: Context,
  caller: LoginCaller,
  { name, lock_id: door_id }: Static<typeof NewReader>,
): Promise<{ reader: StoredReader; enrollment: EnrollmentCode }> {
  const { organization_id } = caller;
  const at = context.clock.now();
  const { shown, row } = newEnrollmentCode(context, at);
  return context.database.of(organization_id).transaction(async (tx) => {
    await tx.lock('doors', { organization_id, id: door_id }, 'as it is');
    if (!(await selectDoor(tx, caller, door_id)))
      throw invalidField('lock_id', 'must be the id of one of your locks');
    const tablet = { organization_id, door_id, name, kind: 'tablet', created_at: at, ...row } as const;
    const id = await insertReader(tx, tablet);
    const reader = await requireReader(tx, caller, id);
    const message = `${caller.member_name} made the reader ${name} for ${reader.door_name}`;
    await record(context, tx, { caller, reader, type: 'reader.create', message, at });
    return { reader, enrollment: shown };
  });
}

/** A code that enrolls another tablet, or the same one again, in the place of what was enrolled; earlier codes end. */
export async function renewEnrollmentCode(
  context: Context,
  caller: LoginCaller,
  id: number,
): Promise<EnrollmentCode> {
  const at = context.clock.now();
  const { shown, row } = newEnrollmentCode(context, at);
  await changing(context, caller, id, async (tx, reader) => {
    await updateReader(tx, keyOf(caller, id), { ...row, updated_at: at });
    const message = `${caller.member_name} made a code to enroll a tablet as ${reader.name}`;
    await record(context, tx, { caller, reader, type: 'reader.enrollment_code', message, at });
  });
  return shown;
}

export async function changeReader(
  context: Context,
  caller: LoginCaller,
  { id, change }: { id: number; change: Static<typeof ReaderChange> },
): Promise<void> {
  const at = context.clock.now();
  await changing(context, caller, id, async (tx, before) => {
    const reader = { ...before, name: change.name ?? before.name };
    await updateReader(tx, keyOf(caller, id), { name: reader.name, updated_at: at });
    const message = `${caller.member_name} changed the reader ${reader.name}`;
    await record(context, tx, { caller, reader, type: 'reader.update', message, at });
  });
}

/** Its tablet is recognised no more, and no code enrolls it. */
export async function removeReader(context: Context, caller: LoginCaller, id: number): Promise<void> {
  const at = context.clock.now();
  await changing(context, caller, id, async (tx, reader) => {
    const gone = { public_key: null, enrollment_hash: null, enrollment_expires_at: null };
    await updateReader(tx, keyOf(caller, id), { ...gone, deleted_at: at, updated_at: at });
    const message = `${caller.member_name} removed the reader ${reader.name}`;
    await record(context, tx, { caller, reader, type: 'reader.destroy', message, at });
  });
}

/**
 * Writes down which readers an agent has: what it said of itself when it connected. A reader keeps its id as long as
 * the agent calls it by the same name. Doors that are not the agent's are none of its business.
 */
export async function noteReaders(context: Context, agent: AgentWithReaders): Promise<void> {
  const { organization_id, agent_id, door_ids, readers } = agent;
  const wanted = new Map(
    readers.filter(({ door_id }) => door_ids.has(door_id)).map(({ name, door_id }) => [name, door_id]),
  );
  const scope = context.database.of(organization_id);
  const isAsKept = (kept: Awaited<ReturnType<typeof selectReadersOfAgent>>) =>
    kept.every(({ name, door_id, deleted_at }) => (deleted_at ? undefined : door_id) === wanted.get(name)) &&
    [...wanted.keys()].every((name) => kept.some((reader) => reader.name === name));
  if (isAsKept(await selectReadersOfAgent(scope.read, agent))) return; // usually: nothing is written
  const at = context.clock.now();
  await scope.transaction(async (tx) => {
    await tx.lock('agents', { organization_id, id: agent_id }, 'to change'); // one session at a time
    const kept = await selectReadersOfAgent(tx, agent);
    for (const { id, name, door_id, deleted_at } of kept) {
      const door = wanted.get(name);
      wanted.delete(name);
      if (door === (deleted_at ? undefined : door_id)) continue;
      const change = door === undefined ? { deleted_at: at } : { door_id: door, deleted_at: null };
      await updateReader(tx, { organization_id, id }, { ...change, updated_at: at });
    }
    for (const [name, door_id] of wanted)
      await insertReader(tx, { organization_id, door_id, name, kind: 'agent', agent_id, created_at: at });
  });
}

/** One change of a tablet's row. What an agent's own file names is changed there. */
async function changing(
  context: Context,
  caller: LoginCaller,
  id: number,
  change: (tx: Transaction, reader: StoredReader) => Promise<void>,
): Promise<void> {
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    await tx.lock('readers', keyOf(caller, id), 'to change');
    const reader = await requireReader(tx, caller, id);
    if (reader.kind === 'agent')
      throw new PosternError('conflict', {
        message: `${reader.name} is named by its agent, not here.`,
        hint: "Change the agent's own file, and start the agent again.",
      });
    await change(tx, reader);
  });
}

async function requireReader(tx: Transaction, caller: LoginCaller, id: number): Promise<StoredReader> {
  const reader = await selectReader(tx, caller, id);
  if (!reader) throw new PosternError('not_found');
  return reader;
}

function keyOf({ organization_id }: LoginCaller, id: number): RowKey {
  return { organization_id, id };
}

async function record(
  context: Context,
  tx: Transaction,
  what: {
    caller: LoginCaller;
    reader: StoredReader;
    type: 'reader.create' | 'reader.update' | 'reader.destroy' | 'reader.enrollment_code';
    message: string;
    at: string;
  },
): Promise<void> {
  const { caller, reader, type, message, at } = what;
  const object = { type: 'Reader', id: reader.id, name: reader.name } as const;
  const { place_id } = reader;
  await recordEvent(context, tx, { ...causedBy(caller), type, at, object, place_id, message });
}
