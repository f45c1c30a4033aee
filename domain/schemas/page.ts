import { Type } from 'typebox';
import { Id } from './fields.ts';

/* What the visitor's page sends. */

export const PageSecret = Type.Object({
  secret: Type.String({ maxLength: 200, description: "the link's secret" }),
});

export const PageHold = Type.Object({ lock_id: Id });

export const PageUnlock = Type.Object({
  lock_id: Id,
  nonce: Type.String({ maxLength: 500, description: 'what the hold answered' }),
});
