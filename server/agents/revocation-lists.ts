import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import {
  hex,
  listDigest,
  revoke,
  segmentBytes,
  segmentPasses,
  type UnsignedStatement,
} from '../../domain/revocation-list.ts';
import type { Database } from '../database/database.ts';
import { selectEndedSegments, selectRevokedPasses, takeStatementTime } from './revocation-store.ts';

/** What came onto a list, or off it, between two epochs. */
export interface ListChanges {
  revoked: number[];
  dropped: number[];
}

interface KnownList {
  epoch: number;
  segments: Map<number, Uint8Array>;
  hashes: Map<number, string>;
  ended: Set<number>;
  /** Done once for all who come back at the same time. */
  packed: Map<number, { hash: string; bits: string }>;
}

export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** The revocation lists of the organizations whose agents are here, kept in memory and brought up to date by what changed. */
export class RevocationLists {
  readonly #database: Database;
  readonly #lists = new Map<number, KnownList>();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Dates a statement on the organization's list, as it is by now, and answers what changed since the last one. Null: the
   * clock shows less than was signed already, so nothing is signed. One at a time for each organization.
   */
  async state(
    organization_id: number,
    signed_at: string,
  ): Promise<{ statement: UnsignedStatement; changes: ListChanges } | null> {
    const scope = this.#database.of(organization_id);
    const taken = await scope.transaction((tx) => takeStatementTime(tx, { organization_id, signed_at }));
    if (!taken) return null;
    const { revocation_epoch: epoch, next_pass_index: length } = taken;
    const list = this.#list(organization_id);
    const changes = await this.#advance(organization_id, list, epoch);
    fill(list, length);
    const digest = listDigest(list.hashes, sha256);
    return { statement: { organization_id, epoch, signed_at, length, digest }, changes };
  }

  /** The list as it was when it was last stated, as it travels: each segment deflated (RFC 1950), in base64. */
  packed(organization_id: number): { segment: number; bits: string }[] {
    const { segments, hashes, packed } = this.#list(organization_id);
    return [...segments].map(([segment, raw]) => {
      const hash = hashes.get(segment) ?? '';
      const known = packed.get(segment);
      if (known?.hash === hash) return { segment, bits: known.bits };
      const bits = deflateSync(raw, { level: 9 }).toString('base64');
      packed.set(segment, { hash, bits });
      return { segment, bits };
    });
  }

  /** Nobody listens any more. */
  forget(organization_id: number): void {
    this.#lists.delete(organization_id);
  }

  #list(organization_id: number): KnownList {
    const known = this.#lists.get(organization_id);
    if (known) return known;
    const none = { epoch: 0, segments: new Map(), hashes: new Map(), ended: new Set<number>() };
    const list: KnownList = { ...none, packed: new Map() };
    this.#lists.set(organization_id, list);
    return list;
  }

  async #advance(organization_id: number, list: KnownList, epoch: number): Promise<ListChanges> {
    if (epoch === list.epoch) return { revoked: [], dropped: [] };
    const { read } = this.#database.of(organization_id);
    const between = { organization_id, after: list.epoch, until: epoch };
    const dropped = await selectEndedSegments(read, between);
    const revoked = await selectRevokedPasses(read, between);
    for (const segment of dropped) drop(list, segment);
    const changed = new Set<number>();
    for (const index of revoked) {
      const segment = Math.floor(index / segmentPasses);
      if (list.ended.has(segment)) continue;
      const bits = list.segments.get(segment) ?? new Uint8Array(segmentBytes);
      revoke(bits, index);
      list.segments.set(segment, bits);
      changed.add(segment);
    }
    for (const segment of changed)
      list.hashes.set(segment, hex(sha256(list.segments.get(segment) ?? new Uint8Array())));
    list.epoch = epoch;
    return { revoked, dropped };
  }
}

function drop(list: KnownList, segment: number): void {
  list.ended.add(segment);
  list.segments.delete(segment);
  list.hashes.delete(segment);
}

/** Segments that the length reaches and in which nothing is revoked are empty. */
function fill(list: KnownList, length: number): void {
  for (let segment = 0; segment * segmentPasses < length; segment++) {
    if (list.segments.has(segment) || list.ended.has(segment)) continue;
    const bits = new Uint8Array(segmentBytes);
    list.segments.set(segment, bits);
    list.hashes.set(segment, hex(sha256(bits)));
  }
}
