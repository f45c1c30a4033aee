import { addMs } from '../../domain/instants.ts';
import { enrollmentCodeMs, readerCodeBytes, readerCodeFrom } from '../../domain/reader-protocol.ts';
import type { Context } from '../context.ts';
import { hashOf } from '../secrets/tokens.ts';

/** What enrolls a tablet: it is shown to whoever makes it, once. */
export interface EnrollmentCode {
  enrollment_code: string;
  enrollment_code_expires_at: string;
  /** What the tablet opens. The code is in the fragment, so that no server on the way writes it down. */
  enrollment_url: string;
}

export function newEnrollmentCode(context: Context, at: string) {
  const code = readerCodeFrom(context.random.bytes(readerCodeBytes));
  const expires_at = addMs(at, enrollmentCodeMs);
  const shown: EnrollmentCode = {
    enrollment_code: code,
    enrollment_code_expires_at: expires_at,
    enrollment_url: `${context.publicUrl}/reader#${code}`,
  };
  return { shown, row: { enrollment_hash: hashOf(code), enrollment_expires_at: expires_at } };
}
