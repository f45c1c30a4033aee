import { type TSchema, Type } from 'typebox';
import { denials, errors } from '../../errors.ts';
import type { Reason } from '../../operations/operation.ts';

/* What is answered when something is not done: one shape for all of it. */

/** Every word that an error's `reason` can be. */
export const reasons = Object.keys({ ...errors, ...denials }) as Reason[]; // the keys of the two tables

export const ErrorAnswer: TSchema = Type.Object(
  {
    code: Type.String({ pattern: '^[0-9a-f]{6}$', examples: ['4c9e07'] }),
    error: Type.String({ examples: [errors.not_found.title] }),
    reason: Type.Unsafe<string>({ type: 'string', enum: reasons, examples: ['not_found'] }),
    hint: Type.String({ examples: [errors.not_found.hint] }),
    request_id: Type.Optional(Type.String({ examples: ['019ae0f0-7c00-7000-8000-5a1f0c2d3e4b'] })),
    errors: Type.Optional(
      Type.Unsafe<Record<string, string[]>>({
        type: 'object',
        additionalProperties: { type: 'array', items: { type: 'string' } },
        examples: [{ group_id: ['must be the id of one of your groups'] }],
      }),
    ),
  },
  { title: 'Error' },
);
