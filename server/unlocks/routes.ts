import { PosternError } from '../../domain/errors.ts';
import { addMs } from '../../domain/instants.ts';
import { UnlockContext } from '../../domain/schemas/doors.ts';
import { PageHold, PageUnlock } from '../../domain/schemas/page.ts';
import type { Context, LinkCaller, LoginCaller } from '../context.ts';
import type { LinkRequest, Request } from '../http/handlers.ts';
import { objectParser, parseId } from '../http/parse.ts';
import { beginPress, endPress, holdMsMax, holdMsMin } from './holds.ts';
import { type LinkUnlock, type UnlockResult, unlockWithLink, unlockWithLogin } from './unlocks.ts';

const parseContext = objectParser(UnlockContext);
const parseHold = objectParser(PageHold);
const parseUnlock = objectParser(PageUnlock);

export async function unlockDoor(
  context: Context,
  { caller, params, body, reply }: Request<LoginCaller | LinkCaller>,
) {
  const asked = { door_id: parseId(params.id ?? ''), askedMs: arrivalOf(context, reply) };
  parseContext(body);
  const result =
    caller.kind === 'login'
      ? await unlockWithLogin(context, caller, asked)
      : await unlockOfLink(context, { ...asked, link: caller, method: 'api' });
  requireOpened(result);
  return { message: 'Unlocked!' };
}

/** The visitor's page begins a press. */
export function beginHold(context: Context, { caller, body }: LinkRequest) {
  const { lock_id } = parseHold(body);
  return { nonce: beginPress(context, caller, lock_id), hold_ms_min: holdMsMin, hold_ms_max: holdMsMax };
}

/** It held long enough: the answer says until when the door stays released. */
export async function unlockFromPage(context: Context, { caller, body, reply }: LinkRequest) {
  const { lock_id: door_id, nonce } = parseUnlock(body);
  const press = await endPress(context, caller, { door_id, nonce });
  const asked = { door_id, askedMs: arrivalOf(context, reply) };
  const result = await unlockOfLink(context, { ...asked, link: caller, method: 'web', press });
  const { door } = requireOpened(result);
  return { message: 'Unlocked!', unlocked_until: addMs(context.clock.now(), door.pulse_ms) };
}

/** In monotonic milliseconds: finding out who calls may have taken long already. */
function arrivalOf({ clock }: Context, reply: LinkRequest['reply']): number {
  return clock.monotonicMs() - reply.elapsedTime;
}

function unlockOfLink(context: Context, request: LinkUnlock): Promise<UnlockResult> {
  context.limits.require('unlocks_of_link', request.link.link_id);
  return unlockWithLink(context, request);
}

function requireOpened(result: UnlockResult) {
  if (!result.opened) throw new PosternError(result.reason);
  return result;
}
