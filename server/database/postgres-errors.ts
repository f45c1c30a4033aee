/** Codes of node's sockets when nobody is there, or no longer. */
const socketCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
];
/** What pg says, without a code, of a connection that ended or never came. */
const lostWords =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|ended by user/;
/**
 * SQLSTATE classes and codes (PostgreSQL, Appendix A) that say "not now": connection exceptions, insufficient
 * resources, operator intervention, system errors, lock not available, read-only, idle in transaction.
 */
const passing = /^(08|53|57|58)|^(55P03|25006|25P03)$/;
const lost = /^(08|57P0[123])/;
const conflicts = ['40001', '40P01'];

/** Whether the connection that said this is of no more use. */
export function isLostConnection(error: unknown): boolean {
  const { code, message } = partsOf(error);
  return lost.test(code) || socketCodes.includes(code) || (code === '' && lostWords.test(message));
}

/** Whether PostgreSQL cannot be reached, or cannot write just now. */
export function isPostgresUnavailable(error: unknown): boolean {
  return isLostConnection(error) || passing.test(partsOf(error).code);
}

/** Whether two transactions stood in each other's way: all of this one was taken back and it may be tried again. */
export function isConflict(error: unknown): boolean {
  return conflicts.includes(partsOf(error).code);
}

function partsOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: '' };
  return { code: 'code' in error ? String(error.code ?? '') : '', message: error.message };
}
