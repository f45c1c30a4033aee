import type { Static } from 'typebox';
import { PosternError, reasonWords } from '../../domain/errors.ts';
import { addMs } from '../../domain/instants.ts';
import { canonicalReaderCode, readerNonceMsMax } from '../../domain/reader-protocol.ts';
import type {
  ReaderEnrollment,
  ReaderNonceRequest,
  ReaderPresentation,
} from '../../domain/schemas/readers.ts';
import type { Context } from '../context.ts';
import { recordEvent } from '../events/events.ts';
import { hashOf } from '../secrets/tokens.ts';
import type { Presentations } from '../unlocks/presentations.ts';
import { selectTablet, selectTabletByCode, type Tablet, takeEnrollment, updateReader } from './store.ts';
import { digestOf, isSigned, pointOf } from './tablet-keys.ts';

const nonceIdBytes = 16;
/** How often it is written down that a tablet was heard of. */
const seenIntervalMs = 30_000;

/** Enrolls a tablet: the code is used up, and the key that came with it is the reader's from now on. */
export async function enrollTablet(
  context: Context,
  { code: typed, public_key, proof }: Static<typeof ReaderEnrollment>,
): Promise<Tablet> {
  const point = pointOf(public_key);
  const code = canonicalReaderCode(typed);
  if (code === null || !isSigned({ what: 'enrollment', code }, point, proof))
    throw new PosternError('enrollment_code_over');
  const at = context.clock.now();
  const enrollment_hash = hashOf(code);
  const tablet = await selectTabletByCode(context.database.everywhere.read, enrollment_hash, at);
  if (!tablet) throw new PosternError('enrollment_code_over');
  const { organization_id, id, name, place_id } = tablet;
  await context.database.of(organization_id).transaction(async (tx) => {
    const taken = await takeEnrollment(
      tx,
      { organization_id, id },
      { enrollment_hash, public_key: point, at },
    );
    if (!taken) throw new PosternError('enrollment_code_over');
    await recordEvent(context, tx, {
      organization_id,
      type: 'reader.enroll',
      at,
      actor: null,
      authenticated_by: null,
      object: { type: 'Reader', id, name },
      place_id,
      message: `A tablet was enrolled as ${name} at ${tablet.door_name}`,
    });
  });
  return tablet;
}

/**
 * Gives a tablet the nonce of its next presentation. It says, sealed, for which reader it is and when it was made: nothing is
 * written and nothing remembered, so that it may be used at another process.
 */
export async function beginPresentation(
  context: Context,
  { reader_id, signature }: Static<typeof ReaderNonceRequest>,
): Promise<{ tablet: Tablet; nonce: string }> {
  const tablet = await requireTablet(context, reader_id, (key) =>
    isSigned({ what: 'nonce', reader_id }, key, signature),
  );
  await noteSeen(context, tablet);
  const id = Buffer.from(context.random.bytes(nonceIdBytes)).toString('base64url');
  const statement = Buffer.from(JSON.stringify([nowMs(context), id]));
  const nonce = Buffer.from(context.sealer.seal(statement, placeOf(tablet))).toString('base64url');
  return { tablet, nonce };
}

/** Decides what was presented at a tablet, once: the nonce is used up with the decision. */
export async function decideAtTablet(
  context: Context,
  presentations: Presentations,
  { reader_id, nonce, text, signature }: Static<typeof ReaderPresentation>,
) {
  const digest = digestOf(text);
  const tablet = await requireTablet(context, reader_id, (key) =>
    isSigned({ what: 'presentation', reader_id, nonce, digest }, key, signature),
  );
  const press = openNonce(context, tablet, nonce);
  if (!press) throw new PosternError('presentation_over');
  const { organization_id, door_id, name: reader } = tablet;
  const presented = { organization_id, reader_id, door_id, reader, text, press };
  const { granted, reason } = await presentations.decide(presented).catch(asPresentation);
  const message = reason ? (reasonWords[reason] ?? reason) : `${tablet.door_name} is unlocked.`;
  return { granted, reason, message };
}

/** The nonce of a tablet is used up as a press on the visitor's page is; what it is called is its own. */
function asPresentation(error: unknown): never {
  const wasUsed = error instanceof PosternError && error.reason === 'hold_used';
  throw wasUsed ? new PosternError('presentation_over') : error;
}

/** The tablet, if what it sent is signed by its key. Only then is it counted: nobody can use up the turns of another. */
async function requireTablet(
  context: Context,
  reader_id: number,
  isSignedBy: (key: Uint8Array) => boolean,
): Promise<Tablet> {
  const tablet = await selectTablet(context.database.everywhere.read, reader_id);
  if (!tablet?.public_key || !isSignedBy(tablet.public_key)) throw new PosternError('reader_not_enrolled');
  context.limits.require('requests_of_reader', reader_id);
  return tablet;
}

async function noteSeen(context: Context, { organization_id, id, last_seen_at }: Tablet): Promise<void> {
  const at = context.clock.now();
  if (last_seen_at !== null && at < addMs(last_seen_at, seenIntervalMs)) return;
  await context.database
    .of(organization_id)
    .transaction((tx) => updateReader(tx, { organization_id, id }, { last_seen_at: at }));
}

/** What the nonce is used up by; null: it is not of this reader, or not of this minute. */
function openNonce(context: Context, tablet: Tablet, nonce: string): { id: Uint8Array } | null {
  try {
    const plain = context.sealer.open(Buffer.from(nonce, 'base64url'), placeOf(tablet));
    const [beganMs, id]: [number, string] = JSON.parse(Buffer.from(plain).toString()); // ours: the seal holds
    // In both directions: the clocks of two processes are never quite the same, and a clock may be set back.
    if (Math.abs(nowMs(context) - beganMs) > readerNonceMsMax) return null;
    return { id: Buffer.from(id, 'base64url') };
  } catch {
    return null;
  }
}

function placeOf({ organization_id, id }: Tablet) {
  return { table: 'readers', column: 'nonce', organization_id, row_id: id };
}

/** The wall clock, which is all that several processes have in common. */
function nowMs({ clock }: Context): number {
  return Date.parse(clock.now());
}
