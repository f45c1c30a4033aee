import { AgentChange, AgentQuery } from '../schemas/agents.ts';
import { AgentAnswer } from '../schemas/answers/agents.ts';
import { list, nothing, type OperationDescription, record } from './operation.ts';

/* The software at the doors. */

export const agentOperations = {
  'agents.list': {
    tag: 'Agents',
    summary: 'List agents',
    description: 'The software at the doors: which of it is connected, and which doors it drives.',
    query: AgentQuery,
    answer: list(AgentAnswer),
  },
  'agents.show': {
    tag: 'Agents',
    summary: 'Show an agent',
    description: 'One agent, and when it was last heard of.',
    answer: record(AgentAnswer),
  },
  'agents.change': {
    tag: 'Agents',
    summary: 'Change an agent',
    description: 'Gives it another name.',
    body: { noun: 'agent', schema: AgentChange, example: { name: 'Gatehouse, north side' } },
    answer: nothing,
  },
  'agents.remove': {
    tag: 'Agents',
    summary: 'Remove an agent',
    description:
      'Its session ends, it is recognised no more, and its doors open for nobody until another agent drives them.',
    answer: nothing,
  },
} as const satisfies Record<string, OperationDescription>;
