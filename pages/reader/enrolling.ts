import { canonicalReaderCode } from '../../domain/reader-protocol.ts';
import { enroll } from './api.ts';
import { type Enrollment, keep, newKey, sign } from './keys.ts';
import * as words from './words.ts';

/** What came of it; or in words what went wrong. */
export type Enrolled = { ok: true; enrollment: Enrollment } | { ok: false; problem: string };

/** The code in the address, which is cleaned at once: neither the address bar nor the history know it afterwards. */
export function takeCode(): string | null {
  const code = location.hash.slice(1);
  history.replaceState(null, '', '/reader');
  return code === '' ? null : code;
}

/** Makes a key and enrolls it with the code. What was enrolled before stays when that fails. */
export async function enrollWith(typed: string): Promise<Enrolled> {
  const code = canonicalReaderCode(typed);
  if (code === null) return { ok: false, problem: words.codeOver };
  const { key, publicKey } = await newKey();
  try {
    await keep('next', { key }); // before the code is used up, and not after
  } catch {
    return { ok: false, problem: words.keepsNothing };
  }
  const proof = await sign(key, { what: 'enrollment', code });
  const answer = await enroll({ code, public_key: publicKey, proof });
  if (!answer.ok) return { ok: false, problem: problemOf(answer) };
  const enrollment = { tablet: answer.body, key };
  await keep('this', enrollment);
  void navigator.storage?.persist?.(); // a browser may grant it, and then throws nothing away for want of room
  return { ok: true, enrollment };
}

function problemOf({ status, reason }: { status: number; reason: string }): string {
  if (reason === 'enrollment_code_over') return words.codeOver;
  if (status === 0) return words.codeNoConnection;
  return status === 429 ? words.codeTooMany : words.codeFailed;
}
