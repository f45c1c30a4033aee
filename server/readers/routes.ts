import { PosternError } from '../../domain/errors.ts';
import { addMs } from '../../domain/instants.ts';
import { readerSilenceMsMax } from '../../domain/reader-protocol.ts';
import { NewReader, ReaderChange, ReaderQuery } from '../../domain/schemas/readers.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context } from '../context.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import { changeReader, createReader, removeReader, renewEnrollmentCode } from './readers.ts';
import { type StoredReader, selectReader, selectReaders } from './store.ts';

const parseQuery = queryParser(ReaderQuery);
const parseNew = bodyParser('reader', NewReader);
const parseChange = bodyParser('reader', ReaderChange);

export async function listReaders(context: Context, { caller, query, reply }: LoginRequest) {
  const { lock_id: door_id, ...asked } = parseQuery(query);
  const { read } = context.database.of(caller.organization_id);
  const { rows, range } = await selectReaders(read, caller, { ...asked, ...(door_id ? { door_id } : {}) });
  reply.header('x-collection-range', range);
  return rows.map((reader) => readerAnswer(context, reader));
}

export async function showReader(context: Context, { caller, params }: LoginRequest) {
  const { read } = context.database.of(caller.organization_id);
  const reader = await selectReader(read, caller, parseId(params.id ?? ''));
  if (!reader) throw new PosternError('not_found');
  return readerAnswer(context, reader);
}

export async function createReaderFromBody(context: Context, { caller, body }: LoginRequest) {
  const { reader, enrollment } = await createReader(context, caller, parseNew(body));
  return { ...readerAnswer(context, reader), ...enrollment };
}

export async function renewCodeById(context: Context, { caller, params }: LoginRequest) {
  return renewEnrollmentCode(context, caller, parseId(params.id ?? ''));
}

export async function changeReaderById(context: Context, { caller, params, body, reply }: LoginRequest) {
  await changeReader(context, caller, { id: parseId(params.id ?? ''), change: parseChange(body) });
  reply.code(204);
}

export async function removeReaderById(context: Context, { caller, params, reply }: LoginRequest) {
  await removeReader(context, caller, parseId(params.id ?? ''));
  reply.code(204);
}

function readerAnswer(context: Context, reader: StoredReader) {
  const { id, name, kind, created_at, updated_at, door_id, door_name, agent_id, enrolled_at } = reader;
  const now = context.clock.now();
  const online = agent_id === null ? isHeardOf(reader, now) : context.agents.isReachable(agent_id);
  return {
    id,
    resource_type: 'Reader',
    name,
    kind,
    created_at,
    updated_at,
    ...toWire({ door_id, door: { id: door_id, name: door_name } }),
    agent_id,
    enrolled_at,
    online,
    last_seen_at: online && agent_id !== null ? now : reader.last_seen_at,
  };
}

/** A tablet has no session: it is there as long as it asks. */
function isHeardOf({ last_seen_at }: StoredReader, now: string): boolean {
  return last_seen_at !== null && now < addMs(last_seen_at, readerSilenceMsMax);
}
