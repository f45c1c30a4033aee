import type { DenialReason } from './decide.ts';
import { again, denials, type ErrorEntry, entry } from './denials.ts';

export { denials, type ErrorEntry };

/** Every error that is not a denial, by its name. The name is the answer's `reason`. */
export const errors = {
  malformed_request: entry(
    'b7c041',
    400,
    'The request could not be understood.',
    'Send well-formed JSON over HTTP/1.1.',
  ),
  unauthorized: entry(
    'a6f1d2',
    401,
    'The credential is missing, unknown or no longer valid.',
    'Send `Authorization: KISI-LOGIN <API key>`, or `KISI-GROUP-LINK <link secret>` where a link may call.',
  ),
  sign_in_failed: entry(
    'afc516',
    401,
    'Wrong e-mail address, password or domain.',
    'Check all three. Whoever belongs to several organizations has to send the `domain` of one.',
  ),
  one_time_link_over: entry(
    '70c4ad',
    401,
    'This one-time link was used, has ended or is not known.',
    'Ask whoever sent it for a new one.',
  ),
  enrollment_code_over: entry(
    'd2c85f',
    401,
    'This enrolment code is wrong, was used or has ended.',
    'Make a new one with `POST /agents/:id/enrollment_code`, for a tablet `/readers/:id/enrollment_code`: good once, for ten minutes.',
  ),
  session_over: entry(
    '5e0b93',
    401,
    'This page is no longer signed in.',
    'Open the link from the message again.',
  ),
  reader_not_enrolled: entry(
    'ea40b7',
    401,
    'This tablet is not enrolled any more.',
    'Make a new code for its reader, and enroll it again.',
  ),
  cross_site: entry(
    '3d8a1c',
    403,
    'This request did not come from the page itself.',
    'Open the access link in a browser; programs use the API.',
  ),
  forbidden: entry(
    '91f2b8',
    403,
    'This credential may not do that.',
    'Use an API key: a link may only read its own doors and unlock them.',
  ),
  not_permitted: entry('08ad5e', 403, 'This login may not do that.', 'Ask an owner of the organization.'),
  missing_scope: entry(
    'd94e12',
    403,
    'This login may see that, but not do it.',
    'Use a login with the scope that is named, or ask an owner for one.',
  ),
  not_found: entry(
    '4c9e07',
    404,
    'There is nothing here, or it is not yours to see.',
    'Check the id and the path, and whose API key you send.',
  ),
  request_timeout: entry('c25d6e', 408, 'The request took too long to arrive.', 'Send it again in one go.'),
  conflict: entry('7ab340', 409, 'Something else depends on this.', 'Remove what depends on it first.'),
  last_owner: entry(
    'b3d907',
    409,
    'An organization always has an owner who can sign in.',
    'Make another member an owner first.',
  ),
  idempotency_key_in_use: entry(
    '5ad1e6',
    409,
    'A request with this Idempotency-Key is under way.',
    'Send it again in a moment, with the same key.',
  ),
  hold_too_short: entry(
    'e81c55',
    409,
    'The button was not held long enough.',
    'Keep holding until the door opens.',
  ),
  hold_expired: entry('0f9d3b', 409, 'The button was held too long ago.', 'Hold the button again.'),
  presentation_over: entry(
    '1d6cf4',
    409,
    'That was presented before, or too long ago.',
    'Show the code again.',
  ),
  hold_used: entry('62ae17', 409, 'This press was used already.', 'Hold the button again.'),
  expectation_failed: entry(
    'e0c9d5',
    417,
    'That expectation cannot be met.',
    'Send the request without `Expect`.',
  ),
  body_too_large: entry('d03f7a', 413, 'The body is larger than 64 KiB.', 'Send less at once.'),
  unsupported_media_type: entry(
    '8b64e9',
    415,
    'The body is not JSON.',
    'Send `Content-Type: application/json` and a JSON body.',
  ),
  invalid: entry('f15a82', 422, 'Some fields are not as expected.', 'Correct the fields named in `errors`.'),
  idempotency_key_reused: entry(
    'c9207f',
    422,
    'This Idempotency-Key was sent before, with another body.',
    'Send a new key with a new request, and the same key only to repeat one.',
  ),
  wrong_password: entry(
    '4f81bc',
    422,
    'The present password is not right.',
    'Send the password that you signed in with as `current_password`.',
  ),
  upgrade_required: entry(
    '3fb06a',
    426,
    'Only agents connect here, by WebSocket.',
    'Use `postern.agent.v1`.',
  ),
  too_many_requests: entry(
    '29d6c4',
    429,
    'Too many requests of this kind.',
    'Wait as long as `Retry-After` says, in seconds.',
  ),
  limit_reached: entry(
    'c3f86b',
    429,
    'There are as many of these at once as there may be.',
    'Close or finish one first, then try again.',
  ),
  headers_too_large: entry(
    'b4e850',
    431,
    'The headers of the request are too large.',
    'Send fewer or shorter headers.',
  ),
  internal: entry('6a17cf', 500, 'Something failed on our side; it has been logged.', again),
  outcome_unknown: entry(
    '17e4d8',
    503,
    'The command was sent, but the door did not say in time whether it opened.',
    'Look at the door, then try again. The use stays taken.',
  ),
  lock_failed: entry(
    'a93c60',
    503,
    'The lock did not move.',
    'Try again; if it persists, ask whoever runs the door.',
  ),
  busy: entry('e2750c', 503, 'Too many passwords are being checked at once.', again),
  unavailable: entry('5cf20e', 503, 'The service is stopping or cannot reach its database.', again),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorName = keyof typeof errors;

/** What a reader or a terminal says for a reason, in one sentence. */
export const reasonWords: Record<string, string> = Object.fromEntries(
  Object.entries({ ...errors, ...denials }).map(([name, { title }]) => [name, title]),
);

/** An expected failure: thrown by operations, turned into an HTTP answer in one place. */
export class PosternError extends Error {
  readonly reason: ErrorName | DenialReason;
  readonly entry: ErrorEntry;
  /** What to do about it. */
  readonly hint: string;
  /** For `invalid`: what was expected, by field. */
  readonly fields: Record<string, string[]> | undefined;
  /** For 429 and 503: seconds until another try makes sense. */
  readonly retryAfterS: number | undefined;

  constructor(reason: ErrorName | DenialReason, more: ErrorDetails = {}) {
    const found: ErrorEntry =
      reason in errors ? errors[reason as ErrorName] : denials[reason as DenialReason]; // the union's two halves
    super(more.message ?? found.title);
    this.reason = reason;
    this.entry = found;
    this.fields = more.fields;
    this.hint = more.hint ?? found.hint;
    this.retryAfterS = more.retryAfterS ?? (found.status === 503 || found.status === 429 ? 2 : undefined);
  }
}

export interface ErrorDetails {
  /** A sentence that says more than the title. */
  message?: string;
  /** What to do about it, where the entry's hint is for somebody else. */
  hint?: string;
  fields?: Record<string, string[]>;
  retryAfterS?: number;
}

/** The `invalid` error for one field: `expected` says what would have been right. */
export function invalidField(field: string, expected: string): PosternError {
  return invalidFields({ [field]: [expected] });
}

/** The `invalid` error for all fields that are wrong: what was expected, by field. The sentence names them too. */
export function invalidFields(fields: Record<string, string[]>): PosternError {
  const parts = Object.entries(fields).map(([name, texts]) => `${name} ${texts.join(', ')}`);
  return new PosternError('invalid', {
    message: `Some fields are not as expected: ${parts.join('; ')}.`,
    fields,
  });
}

/** The body of every error answer, as Kisi's clients read it (`code`, `error`, `errors`) and ours beside. */
export function errorBody(error: PosternError) {
  return {
    code: error.entry.code,
    error: error.message,
    reason: error.reason,
    hint: error.hint,
    ...(error.fields ? { errors: error.fields } : {}),
  };
}
