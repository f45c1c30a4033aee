import { Type } from 'typebox';
import { count, dates, flag, id, instant, orNull, resourceType, text } from './fields.ts';

/* What is answered about agents. */

export const AgentAnswer = Type.Object(
  {
    id: id(4),
    resource_type: resourceType('Agent'),
    name: text('Gatehouse'),
    ...dates,
    online: flag(true),
    last_seen_at: orNull(instant()),
    locks_count: count(1),
    locks: Type.Array(Type.Object({ id: id(5), name: text('Front door') })),
  },
  { title: 'Agent' },
);
