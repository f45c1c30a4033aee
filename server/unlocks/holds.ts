import { PosternError } from '../../domain/errors.ts';
import type { Context, LinkCaller } from '../context.ts';
import { insertUsedPress } from './store.ts';

/** A press shorter than this is no hold; one older than the other is no press of this moment. Milliseconds. */
export const holdMsMin = 600;
export const holdMsMax = 30_000;
const pressIdBytes = 16;

/** A press that was held long enough; the unlock's transaction uses it up. */
export interface Press {
  id: Uint8Array;
}

/**
 * Begins a press on a visitor's page. The nonce says, sealed, of which link and door it is and when it began: nothing is
 * written and nothing remembered, so that it may end at another process. The server measures each press: a page that
 * was merely opened, or clicked through by a machine, does not hold. It proves nothing about who is pressing.
 */
export function beginPress(context: Context, caller: LinkCaller, door_id: number): string {
  const id = Buffer.from(context.random.bytes(pressIdBytes)).toString('base64url');
  const statement = JSON.stringify([door_id, nowMs(context), id]);
  return Buffer.from(context.sealer.seal(Buffer.from(statement), placeOf(caller))).toString('base64url');
}

/**
 * Ends a press. Throws `hold_expired` or `hold_too_short`, and `hold_used` when it was tried before: one press is one
 * try, even one that was too short.
 */
export async function endPress(
  context: Context,
  caller: LinkCaller,
  { door_id, nonce }: { door_id: number; nonce: string },
): Promise<Press> {
  const begun = openNonce(context, caller, nonce);
  if (begun?.door_id !== door_id) throw new PosternError('hold_expired');
  const heldMs = nowMs(context) - begun.beganMs;
  if (heldMs > holdMsMax) throw new PosternError('hold_expired');
  if (heldMs >= holdMsMin) return { id: begun.id };
  // Also when it begins in the future: the clocks of two processes are never quite the same.
  const { organization_id } = caller;
  const used_at = context.clock.now();
  await context.database
    .of(organization_id)
    .transaction((tx) => insertUsedPress(tx, { organization_id, press_id: begun.id, used_at }));
  throw new PosternError('hold_too_short');
}

function openNonce(context: Context, caller: LinkCaller, nonce: string) {
  try {
    const plain = context.sealer.open(Buffer.from(nonce, 'base64url'), placeOf(caller));
    const [door_id, beganMs, id]: [number, number, string] = JSON.parse(Buffer.from(plain).toString()); // ours: the seal holds
    return { door_id, beganMs, id: Buffer.from(id, 'base64url') };
  } catch {
    return null;
  }
}

function placeOf({ organization_id, link_id }: LinkCaller) {
  return { table: 'used_presses', column: 'nonce', organization_id, row_id: link_id };
}

/** The wall clock, which is all that several processes have in common. */
function nowMs({ clock }: Context): number {
  return Date.parse(clock.now());
}
