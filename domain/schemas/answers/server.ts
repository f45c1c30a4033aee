import { Type } from 'typebox';

/* What the server answers about itself. */

export const HealthAnswer = Type.Object({ status: Type.Literal('ok') }, { title: 'Health' });
