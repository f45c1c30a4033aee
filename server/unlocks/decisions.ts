import { type Decision, decide, nextGrantAt, type UnlockMethod } from '../../domain/decide.ts';
import { invalidField, PosternError } from '../../domain/errors.ts';
import type { Context, LoginCaller } from '../context.ts';
import { selectDoor } from '../doors/store.ts';
import { credentialOf, doorState, selectFacts } from './facts.ts';
import { selectLatestPassIndex, selectLinkRow } from './store.ts';

export interface Question {
  door_id: number;
  link_id: number;
  /** Null: now. */
  at: string | null;
  method: UnlockMethod;
}

export interface Foreseen {
  at: string;
  decision: Decision;
  /** When the door opens for the link, if only its hours are in the way. */
  next_opening_at: string | null;
}

/**
 * What an unlock with the link would be answered, from the same facts: nothing is spent, sent or recorded. Uses, agents
 * and lock-downs are as they are now, whatever instant is asked about. With a QR code: with the link's latest one. It
 * tells about a door and about a link: the caller must be allowed to read both.
 */
export async function foresee(context: Context, caller: LoginCaller, question: Question): Promise<Foreseen> {
  const { organization_id, group_ids } = caller;
  const { door_id, link_id, method } = question;
  const { read } = context.database.of(organization_id);
  if (!(await selectDoor(read, caller, door_id))) throw new PosternError('not_found');
  if (!caller.scopes.has('links:read'))
    throw new PosternError('missing_scope', { message: 'This login lacks the scope links:read.' });
  const key = { organization_id, link_id };
  const link = await selectLinkRow(read, key);
  if (!link || (group_ids && !group_ids.includes(link.group_id)))
    throw invalidField('group_link_id', 'must be the id of one of your access links');
  const index = method === 'qr' ? await selectLatestPassIndex(read, key) : null;
  const presented = method === 'qr' ? { pass: { index: index ?? -1 } } : {}; // no pass has a number below 0
  const facts = await selectFacts(read, { link: key, door_id, ...presented }, link);
  const { door } = facts;
  const credential = credentialOf(link, { ...facts, uses_before: link.uses });
  const at = question.at ?? context.clock.now();
  const decision = decide({
    ...{ at, method, reader_id: null, credential },
    ...{ door: doorState(context, door), evidence: null },
  });
  if (decision.granted || !credential) return { at, decision, next_opening_at: null };
  const refused = { at, reason: decision.reason, time_zone: door.time_zone };
  return { at, decision, next_opening_at: nextGrantAt(credential, refused) };
}
