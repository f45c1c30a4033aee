import { PosternError } from '../../domain/errors.ts';
import { addMs } from '../../domain/instants.ts';
import { UnlockContext } from '../../domain/schemas/doors.ts';
import { PageHold, PageUnlock } from '../../domain/schemas/page.ts';
import type { Context, LinkCaller, LoginCaller } from '../context.ts';
import type { LinkRequest, Request } from '../http/handlers.ts';
import { objectParser, parseId } from '../http/parse.ts';
import { type Holds, holdMsMax, holdMsMin } from './holds.ts';
import { type UnlockResult, unlockWithLink, unlockWithLogin } from './unlocks.ts';

const parseContext = objectParser(UnlockContext);
const parseHold = objectParser(PageHold);
const parseUnlock = objectParser(PageUnlock);

export async function unlockDoor(
  context: Context,
  { caller, params, body }: Request<LoginCaller | LinkCaller>,
) {
  const door_id = parseId(params.id ?? '');
  parseContext(body);
  const result =
    caller.kind === 'login'
      ? await unlockWithLogin(context, caller, door_id)
      : await unlockWithLink(context, { link: caller, door_id, method: 'api' });
  requireOpened(result);
  return { message: 'Unlocked!' };
}

/** The visitor's page begins a press. */
export function beginHold(holds: Holds, { caller, body }: LinkRequest) {
  const { lock_id } = parseHold(body);
  return { nonce: holds.begin(caller, lock_id), hold_ms_min: holdMsMin, hold_ms_max: holdMsMax };
}

/** It held long enough: the answer says until when the door stays released. */
export async function unlockFromPage(context: Context, holds: Holds, { caller, body }: LinkRequest) {
  const { lock_id: door_id, nonce } = parseUnlock(body);
  holds.finish(caller, door_id, nonce);
  const { door } = requireOpened(await unlockWithLink(context, { link: caller, door_id, method: 'web' }));
  return { message: 'Unlocked!', unlocked_until: addMs(context.clock.now(), door.pulse_ms) };
}

function requireOpened(result: UnlockResult) {
  if (!result.opened) throw new PosternError(result.reason);
  return result;
}
