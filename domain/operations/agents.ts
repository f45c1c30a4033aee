import { AgentChange, AgentQuery, Enrolment, NewAgent } from '../schemas/agents.ts';
import { AgentAnswer, EnrolledAgentAnswer, NewAgentAnswer } from '../schemas/answers/agents.ts';
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
  'agents.create': {
    tag: 'Agents',
    summary: 'Create an agent',
    description:
      'Makes an agent, and a one-time code to type at the door: `postern agent enroll`. The code is shown this once, and is ' +
      'good for one enrolment within ten minutes. Which doors it drives stands in the file of the agent.',
    body: { noun: 'agent', schema: NewAgent, example: { name: 'Gatehouse' } },
    answer: record(NewAgentAnswer),
  },
  'agents.create_enrollment_code': {
    tag: 'Agents',
    summary: 'Make a new enrolment code',
    description:
      'For an agent that was not enrolled in time, or whose box was lost or replaced. A code that was made before ends. ' +
      'The agent goes on with its key until somebody enrolls with the new code.',
    answer: record(NewAgentAnswer),
  },
  'agents.enroll': {
    tag: 'Agents',
    summary: 'Enroll an agent',
    description:
      'What `postern agent enroll` sends. `proof` signs the UTF-8 bytes of the JSON array `["postern-enrolment", 1, "agent", ' +
      'code, public_key]`, with the code in upper case and without hyphens; `signature` is that of the server, over ' +
      '`["postern-enrolment", 1, "server", code, public_key, agent_id, public_url]`. The last 40 bits of the code are the ' +
      "first of the SHA-256 of the server's public key.\n\nThe key takes the place of an earlier one, whose session ends.",
    body: {
      schema: Enrolment,
      example: {
        code: '7K3F-9QXM-2HVD-84TN-ZW0A-QKFF',
        public_key: 'Jm2Z1xk0H3v8yQdC5sWn7tRb4uLg6aPfXo9eEiVhMKs',
        proof: 'k3v9x2q7d4m8r6t1w5y0b2n4c7f9h3j6k3v9x2q7d4m8r6t1w5y0b2n4c7f9h3j6k3v9x2q7d4m8r6t1w5y0bA',
        version: 1,
      },
    },
    answer: record(EnrolledAgentAnswer),
    errors: ['enrollment_code_over'],
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
