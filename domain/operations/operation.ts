import type { TObject, TSchema } from 'typebox';
import type { DenialReason } from '../decide.ts';
import type { ErrorName } from '../errors.ts';

/** The chapters of the reference, in their order, and what each is about. */
export const tags = {
  'Access links': 'Issue, find, change and revoke the links that visitors get.',
  'A link itself': "What whoever holds a link's secret may read: the link's own state, and its QR code.",
  Locks: 'Doors, as Kisi calls them: list, describe and unlock them.',
  Places: 'Sites with a time zone, which hold doors.',
  Groups: 'Named sets of doors. A link opens the doors of its group.',
  'Group locks': 'Which door belongs to which group.',
  Schedules: 'When the doors of a group open, and when they do not.',
  Agents: 'The software at the doors: it reads codes and drives locks.',
  Readers: 'What reads codes at the doors: what agents have, and tablets.',
  Events: 'What happened, who did it, and why it was refused where it was.',
  'Event sets': 'A question about the events, held on to and answered page by page.',
  Logins: 'Sign in, sign out, and the API keys of the organization.',
  Users: 'The people who sign in, and oneself.',
  Members: "The same people in Kisi's older words.",
  Organizations: 'What holds for the whole organization.',
  Server: 'The state of the server, and this reference.',
  "The visitor's page":
    'What the page behind a link loads and sends. It is kept in step with the page, not with other programs.',
  "A tablet's page":
    'What the page of a tablet that is a reader loads and sends. It is kept in step with the page, not with other programs.',
} as const;

export type Tag = keyof typeof tags;

/** The word in an error's `reason`. */
export type Reason = ErrorName | DenialReason;

/**
 * What an operation does, takes and answers: everything that the reference says of it, beside what stands in the
 * table of endpoints. Markup in texts: `code` in backticks, and an empty line between paragraphs.
 */
export interface OperationDescription {
  tag: Tag;
  /** A few words in the imperative, without a full stop. */
  summary: string;
  /** Whole sentences: what it does, and what is not obvious about it. */
  description: string;
  query?: TObject;
  /** Request headers that only this operation looks at. */
  headers?: TObject;
  body?: Body;
  answer: Answer;
  /** Reasons to refuse beyond those that every operation of its kind has. */
  errors?: readonly Reason[];
}

export interface Body {
  /** The noun around the fields: `{ "group_link": { … } }`; absent: the fields stand alone. */
  noun?: string;
  schema: TObject;
  /** The fields of a typical request, without the noun. */
  example: Record<string, unknown>;
  /** The operation needs no body at all. */
  optional?: true;
}

export type Answer =
  /** 200 with one record. */
  | { kind: 'record'; schema: TSchema }
  /** 200 with an array. By offset: with `X-Collection-Range`; by cursor: with `X-Next-Cursor` and `Link`. */
  | { kind: 'list'; of: TSchema; pages: readonly ('by offset' | 'by cursor')[] }
  /** 204. */
  | { kind: 'nothing' }
  /** 200 with a file of one of these media types; 304 where the caller may name the one that it has. */
  | { kind: 'file'; types: readonly string[]; tagged?: true }
  /** 101: the connection becomes a WebSocket. Not part of the OpenAPI document, which cannot say so. */
  | { kind: 'upgrade' };

export const nothing: Answer = { kind: 'nothing' };

export function record(schema: TSchema): Answer {
  return { kind: 'record', schema };
}

export function list(of: TSchema): Answer {
  return { kind: 'list', of, pages: ['by offset'] };
}

export function file(...types: readonly string[]): Answer {
  return { kind: 'file', types };
}

/** A file with an `ETag` (RFC 9110 §8.8.3). */
export function taggedFile(type: string): Answer {
  return { kind: 'file', types: [type], tagged: true };
}
