import { PosternError } from '../../domain/errors.ts';
import { AgentChange, AgentQuery } from '../../domain/schemas/agents.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context } from '../context.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId, queryParser } from '../http/parse.ts';
import { changeAgent, removeAgent } from './agents.ts';
import { type StoredAgent, selectAgentSeen, selectAgents, selectDoorsOfAgents } from './store.ts';

const parseQuery = queryParser(AgentQuery);
const parseChange = bodyParser('agent', AgentChange);

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

export async function showAgent(context: Context, { caller, params }: LoginRequest) {
  const { read } = context.database.of(caller.organization_id);
  const agent = await selectAgentSeen(read, caller, parseId(params.id ?? ''));
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
  const { id, name, created_at, updated_at, last_seen_at } = agent;
  const online = context.agents.isReachable(id);
  return {
    id,
    resource_type: 'Agent',
    name,
    created_at,
    updated_at,
    online,
    last_seen_at: online ? context.clock.now() : last_seen_at,
    ...toWire({ doors_count: doors.filter(({ agent_id }) => agent_id === id).length }),
    locks: doors.filter(({ agent_id }) => agent_id === id).map((door) => ({ id: door.id, name: door.name })),
  };
}
