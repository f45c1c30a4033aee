import { Type } from 'typebox';
import { count, dates, flag, id, instant, orNull, resourceType, text, word } from './fields.ts';

/* What is answered about agents. */

/** What it said of itself last. */
const AgentStatus = Type.Object({
  version: text('0.1.0'),
  clock_drift_ms: orNull(Type.Number({ examples: [12] })),
  revocation_list_signed_at: orNull(instant()),
  revocation_list_age: orNull(Type.Integer({ examples: [30] })),
  outbox_waiting: count(),
  outbox_waiting_max: count(100_000),
});

const agentFields = {
  id: id(4),
  resource_type: resourceType('Agent'),
  name: text('Gatehouse'),
  ...dates,
  online: flag(true),
  last_seen_at: orNull(instant()),
  enrolled_at: orNull(instant()),
  presence: word(['online', 'lost', 'never_seen']),
  status: orNull(AgentStatus),
  locks_count: count(1),
  locks: Type.Array(Type.Object({ id: id(5), name: text('Front door') })),
};

export const AgentAnswer = Type.Object(agentFields, { title: 'Agent' });

/** The only answers that hold a code. */
export const NewAgentAnswer = Type.Object(
  {
    ...agentFields,
    enrollment_code: text('7K3F-9QXM-2HVD-84TN-ZW0A-QKFF'),
    enrollment_code_expires_at: instant(),
  },
  { title: 'NewAgent' },
);

export const EnrolledAgentAnswer = Type.Object(
  {
    agent_id: id(4),
    name: text('Gatehouse'),
    organization: Type.Object({ id: id(1), name: text('Harbour House') }),
    server_public_key: text('y0Vv5G8jqJkq5y2S1x5Qv0mTz1rYyq3G9l6dXc8b4hA'),
    public_url: text('https://doors.example.org'),
    signature: text('k3v9x2q7d4m8r6t1w5y0b2n4c7f9h3j6k3v9x2q7d4m8r6t1w5y0b2n4c7f9h3j6k3v9x2q7d4m8r6t1w5y0bA'),
  },
  { title: 'EnrolledAgent' },
);
