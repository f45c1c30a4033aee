import { createHash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { PassClaims, PassVerifier } from '../domain/pass.ts';
import {
  hex,
  isRevoked,
  listDigest,
  RevocationStatement,
  revoke,
  segmentBytes,
  segmentPasses,
  statementBytes,
} from '../domain/revocation-list.ts';
import type { KeptFile } from './kept-file.ts';

const KeptList = Type.Object({
  statement: RevocationStatement,
  segments: Type.Array(Type.Tuple([Type.Integer({ minimum: 0 }), Type.String()])),
});
const checkStatement = Compile(RevocationStatement);
const checkList = Compile(KeptList);

export interface RevocationsParts {
  /** The list with the first statement on it, and the last statement, which comes every minute. */
  listFile: KeptFile;
  statementFile: KeptFile;
  /** With the organization's own keys. */
  verify: PassVerifier;
  organization_id: () => number | null;
}

/** Why a statement was not taken. `unknown_list`: it speaks of another list than the one in hand, so all of that is wanted. */
export type StatementProblem = 'not_signed' | 'older' | 'unknown_list';

/**
 * The organization's revocation list, of the highest epoch that was ever seen. What the server sends waits until a signed
 * statement says that it is so.
 */
export class Revocations {
  readonly #parts: RevocationsParts;
  #statement: RevocationStatement | null = null;
  #segments = new Map<number, Uint8Array>();
  #hashes = new Map<number, string>();
  /** What has come since the last statement. */
  #fresh = new Map<number, Uint8Array>();
  #dropped = new Set<number>();

  constructor(parts: RevocationsParts) {
    this.#parts = parts;
  }

  /** Takes up what was kept, if it is whole. Otherwise there is no list until the server sends one. */
  async open(): Promise<void> {
    const { statementFile, listFile } = this.#parts;
    const kept = parsed(await listFile.read(), checkList);
    if (kept === null) return;
    try {
      for (const [segment, bits] of kept.segments) this.takeSegment({ segment, bits });
    } catch {
      this.#fresh = new Map(); // a damaged file is as good as none
      return;
    }
    if (this.#accept(kept.statement, true) !== null) return;
    const statement = parsed(await statementFile.read(), checkStatement);
    if (statement) this.#accept(statement, false);
  }

  get statement(): RevocationStatement | null {
    return this.#statement;
  }

  isRevoked(pass: Pick<PassClaims, 'index' | 'issued_at'>): boolean {
    if (this.#statement === null) return true;
    const { length, signed_at } = this.#statement;
    return isRevoked({ length, signed_at, segments: this.#segments }, pass);
  }

  takeSegment({ segment, bits }: { segment: number; bits: string }): void {
    const raw = inflateSync(Buffer.from(bits, 'base64'), { maxOutputLength: segmentBytes });
    if (raw.length !== segmentBytes) throw new Error('A segment of the revocation list has another size.');
    this.#fresh.set(segment, new Uint8Array(raw));
  }

  takeChanges({ revoked, dropped }: { revoked: readonly number[]; dropped: readonly number[] }): void {
    for (const segment of dropped) this.#dropped.add(segment);
    for (const index of revoked) {
      const segment = Math.floor(index / segmentPasses);
      const bits = this.#fresh.get(segment) ?? Uint8Array.from(this.#segments.get(segment) ?? emptySegment);
      revoke(bits, index);
      this.#fresh.set(segment, bits);
    }
  }

  /** Holds at once, if nothing is wrong with it; `kept` resolves when it would survive a power cut. */
  takeStatement(
    statement: RevocationStatement,
    whole: boolean,
  ): { problem: StatementProblem | null; kept: Promise<void> } {
    const before = this.#statement;
    const problem = this.#accept(statement, whole);
    if (problem !== null) return { problem, kept: Promise.resolve() };
    const { statementFile, listFile } = this.#parts;
    const isNewList = before?.digest !== statement.digest;
    const kept = isNewList
      ? listFile.write(listText(statement, this.#segments))
      : statementFile.write(`${JSON.stringify(statement)}\n`);
    return { problem, kept };
  }

  #accept(statement: RevocationStatement, whole: boolean): StatementProblem | null {
    const [fresh, dropped] = [this.#fresh, this.#dropped];
    this.#fresh = new Map();
    this.#dropped = new Set();
    if (!this.#isSigned(statement)) return 'not_signed';
    const before = this.#statement;
    if (before && (statement.epoch < before.epoch || statement.signed_at < before.signed_at)) return 'older';
    const segments = new Map(whole ? [] : this.#segments);
    const hashes = new Map(whole ? [] : this.#hashes);
    for (const [segment, bits] of fresh) {
      segments.set(segment, bits);
      hashes.set(segment, hashOf(bits));
    }
    for (const segment of dropped) {
      segments.delete(segment);
      hashes.delete(segment);
    }
    if (!whole) grow({ segments, hashes }, before?.length ?? 0, statement.length);
    if (listDigest(hashes, sha256) !== statement.digest) return 'unknown_list';
    [this.#segments, this.#hashes, this.#statement] = [segments, hashes, statement];
    return null;
  }

  #isSigned(statement: RevocationStatement): boolean {
    if (statement.organization_id !== this.#parts.organization_id()) return false;
    const kid = Buffer.from(statement.kid, 'hex');
    return this.#parts.verify(kid, statementBytes(statement), Buffer.from(statement.signature, 'base64url'));
  }
}

const emptySegment = new Uint8Array(segmentBytes);

/** The list has become longer: segments that it reaches and that nobody has sent are empty. */
function grow(
  { segments, hashes }: { segments: Map<number, Uint8Array>; hashes: Map<number, string> },
  before: number,
  length: number,
): void {
  for (let segment = Math.ceil(before / segmentPasses); segment * segmentPasses < length; segment++) {
    if (segments.has(segment)) continue;
    segments.set(segment, emptySegment);
    hashes.set(segment, hashOf(emptySegment));
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

function hashOf(bits: Uint8Array): string {
  return hex(sha256(bits));
}

function listText(statement: RevocationStatement, segments: ReadonlyMap<number, Uint8Array>): string {
  const packed = [...segments].map(([segment, bits]): [number, string] => [
    segment,
    deflateSync(bits).toString('base64'),
  ]);
  const kept: Static<typeof KeptList> = { statement, segments: packed };
  return `${JSON.stringify(kept)}\n`;
}

/** Null: there is none, or it cannot be read. */
function parsed<T>(text: string | null, check: { Check(value: unknown): value is T }): T | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return check.Check(value) ? value : null;
  } catch {
    return null;
  }
}
