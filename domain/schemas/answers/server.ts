import { Type } from 'typebox';
import { count, instant, oftenNull } from './fields.ts';

/* What the server answers about itself. */

export const HealthAnswer = Type.Object({ status: Type.Literal('ok') }, { title: 'Health' });

/** What is more than the status is there for whoever may read the installation. */
export const ReadinessAnswer = Type.Object(
  {
    status: Type.Literal('ready'),
    last_commit_at: Type.Optional(oftenNull(instant())),
    last_housekeeping_at: Type.Optional(oftenNull(instant())),
    agents_connected: Type.Optional(count()),
  },
  { title: 'Readiness' },
);
