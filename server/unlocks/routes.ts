import { PosternError } from '../../domain/errors.ts';
import { addMs } from '../../domain/instants.ts';
import { UnlockContext } from '../../domain/schemas/requests.ts';
import type { Context, LinkCaller, LoginCaller } from '../context.ts';
import type { Request } from '../http/handlers.ts';
import { objectParser, parseId } from '../http/parse.ts';
import { type UnlockResult, unlockWithLink, unlockWithLogin } from './unlocks.ts';

const parseContext = objectParser(UnlockContext);

export async function unlockDoor(context: Context, { caller, params, body }: Request<LoginCaller | LinkCaller>) {
  const door_id = parseId(params.id ?? '');
  parseContext(body);
  const result =
    caller.kind === 'login'
      ? await unlockWithLogin(context, caller, door_id)
      : await unlockWithLink(context, { link: caller, door_id, method: 'api' });
  requireOpened(result);
  return { message: 'Unlocked!' };
}

/** The visitor's page says until when the door stays released. */
export function unlockedAnswer(context: Context, result: UnlockResult) {
  const { door } = requireOpened(result);
  return { message: 'Unlocked!', unlocked_until: addMs(context.clock.now(), door.pulse_ms) };
}

function requireOpened(result: UnlockResult) {
  if (!result.opened) throw new PosternError(result.reason);
  return result;
}
