import { PosternError } from '../../domain/errors.ts';
import { msBetween } from '../../domain/instants.ts';
import { AgentChange, AgentQuery, Enrolment, NewAgent } from '../../domain/schemas/agents.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { AnyoneRequest, LoginRequest } from '../http/handlers.ts';
import { bodyParser, objectParser, parseId, queryParser } from '../http/parse.ts';
import type { HostKey } from '../installation.ts';
import { changeAgent, removeAgent } from './agents.ts';
import { createAgent, enrollAgent, renewEnrolmentCode } from './enrolment.ts';
import {
  type AgentStatus,
  agentStatus,
  type StoredAgent,
  selectAgentSeen,
  selectAgents,
  selectDoorsOfAgents,
} from './store.ts';

const parseQuery = queryParser(AgentQuery);
const parseNew = bodyParser('agent', NewAgent);
const parseChange = bodyParser('agent', AgentChange);
const parseEnrolment = objectParser(Enrolment);

type Door = Awaited<ReturnType<typeof selectDoorsOfAgents>>[number];

export async function listAgents(context: Context, { caller, query, reply }: LoginRequest) {
  const { read } = context.database.of(caller.organization_id);
  const asked = { ...parseQuery(query), reachableAgents: context.agents.reachableAgents() };
  const { rows, range } = await selectAgents(read, caller, asked);
  const ids = rows.map(({ id }) => id);
  const doors = await selectDoorsOfAgents(read, caller, ids);
  reply.header('x-collection-range', range);
  return rows.map((agent) => agentAnswer(context, agent, doors));
}

/** The only answers that ever hold a code: this one, and that of a new code. */
export async function createAgentFromBody(
  context: Context,
  hostKey: HostKey,
  { caller, body }: LoginRequest,
) {
  const { id, ...code } = await createAgent(context, caller, { ...parseNew(body), hostKey });
  return { ...(await showAgentById(context, caller, id)), ...code };
}

export async function createEnrolmentCode(
  context: Context,
  hostKey: HostKey,
  { caller, params }: LoginRequest,
) {
  const id = parseId(params.id ?? '');
  const code = await renewEnrolmentCode(context, caller, { id, hostKey });
  return { ...(await showAgentById(context, caller, id)), ...code };
}

export function enrollAgentFromBody(context: Context, hostKey: HostKey, { body }: AnyoneRequest) {
  return enrollAgent(context, hostKey, parseEnrolment(body));
}

export function showAgent(context: Context, { caller, params }: LoginRequest) {
  return showAgentById(context, caller, parseId(params.id ?? ''));
}

async function showAgentById(context: Context, caller: LoginCaller, id: number) {
  const { read } = context.database.of(caller.organization_id);
  const agent = await selectAgentSeen(read, caller, id);
  if (!agent) throw new PosternError('not_found');
  return agentAnswer(context, agent, await selectDoorsOfAgents(read, caller, [agent.id]));
}

export async function changeAgentById(context: Context, { caller, params, body, reply }: LoginRequest) {
  await changeAgent(context, caller, { id: parseId(params.id ?? ''), change: parseChange(body) });
  reply.code(204);
}

export async function removeAgentById(context: Context, { caller, params, reply }: LoginRequest) {
  await removeAgent(context, caller, parseId(params.id ?? ''));
  reply.code(204);
}

function agentAnswer(context: Context, agent: StoredAgent, doors: readonly Door[]) {
  const { id, name, created_at, updated_at, last_seen_at, enrolled_at } = agent;
  const online = context.agents.isReachable(id);
  return {
    id,
    resource_type: 'Agent',
    name,
    created_at,
    updated_at,
    online,
    last_seen_at: online ? context.clock.now() : last_seen_at,
    enrolled_at,
    presence: online ? 'online' : last_seen_at === null ? 'never_seen' : 'lost',
    status: statusAnswer(context, agentStatus(agent.status)),
    ...toWire({ doors_count: doors.filter(({ agent_id }) => agent_id === id).length }),
    locks: doors.filter(({ agent_id }) => agent_id === id).map((door) => ({ id: door.id, name: door.name })),
  };
}

function statusAnswer(context: Context, status: AgentStatus | null) {
  if (status === null) return null;
  const { version, clock_drift_ms, revocation_signed_at: signed_at, outbox } = status;
  const ageMs = signed_at === null ? null : msBetween(signed_at, context.clock.now());
  return {
    version,
    clock_drift_ms,
    revocation_list_signed_at: signed_at,
    revocation_list_age: ageMs === null ? null : Math.max(0, Math.floor(ageMs / 1000)),
    outbox_waiting: outbox.waiting,
    outbox_waiting_max: outbox.waiting_max,
  };
}
