import { denials } from '../../domain/errors.ts';
import { DecisionQuestion } from '../../domain/schemas/doors.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context } from '../context.ts';
import type { LoginRequest } from '../http/handlers.ts';
import { bodyParser, parseId } from '../http/parse.ts';
import { foresee } from './decisions.ts';

const parseQuestion = bodyParser('decision', DecisionQuestion);

export async function decideOnly(context: Context, { caller, params, body }: LoginRequest) {
  const door_id = parseId(params.id ?? '');
  const { group_link_id: link_id, at: asked = null, method = 'web' } = parseQuestion(body);
  const question = { door_id, link_id, at: asked, method };
  const { at, decision, next_opening_at } = await foresee(context, caller, question);
  const denial = decision.granted ? null : denials[decision.reason];
  return toWire({
    door_id,
    link_id,
    at,
    method,
    success: decision.granted,
    reason: decision.granted ? null : decision.reason,
    error_code: denial?.code ?? null,
    error_message: denial?.title ?? null,
    hint: denial?.hint ?? null,
    next_opening_at,
  });
}
