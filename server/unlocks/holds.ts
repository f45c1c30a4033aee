import { PosternError } from '../../domain/errors.ts';
import type { Context, LinkCaller } from '../context.ts';

/** A press shorter than this is no hold; one older than the other is no press of this moment. */
export const holdMsMin = 600;
export const holdMsMax = 30_000;
const holdsMax = 100_000;
/** One page that begins press after press pushes out its own link's presses and nobody else's. */
const holdsPerLinkMax = 64;

interface Hold {
  link_id: number;
  door_id: number;
  beganMs: number;
  used: boolean;
}

/**
 * The presses that visitors' pages have begun. The server measures each: a page that was merely opened, or clicked
 * through by a machine, does not hold. This stops machines that open pages; it proves nothing about who is pressing.
 */
export class Holds {
  readonly #context: Context;
  readonly #holds = new Map<string, Hold>();
  readonly #noncesOfLink = new Map<number, string[]>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Begins a press; the nonce is good for one unlock of this door with this link. */
  begin(caller: LinkCaller, door_id: number): string {
    this.#forget();
    const nonce = Buffer.from(this.#context.random.bytes(16)).toString('base64url');
    const nonces = this.#noncesOfLink.get(caller.link_id) ?? [];
    this.#noncesOfLink.set(caller.link_id, nonces);
    nonces.push(nonce);
    if (nonces.length > holdsPerLinkMax) this.#delete(nonces[0] ?? '');
    this.#holds.set(nonce, { link_id: caller.link_id, door_id, beganMs: this.#now(), used: false });
    return nonce;
  }

  /** Ends a press. Throws `hold_too_short`, `hold_expired` or `hold_used`. */
  finish(caller: LinkCaller, door_id: number, nonce: string): void {
    const hold = this.#holds.get(nonce);
    if (!hold || hold.link_id !== caller.link_id || hold.door_id !== door_id)
      throw new PosternError('hold_expired');
    const heldMs = this.#now() - hold.beganMs;
    if (heldMs > holdMsMax) throw new PosternError('hold_expired');
    if (hold.used) throw new PosternError('hold_used');
    hold.used = true; // even when it was too short: one press is one try
    if (heldMs < holdMsMin) throw new PosternError('hold_too_short');
  }

  /** Insertion order is age: what is too old, or too much, is at the front. */
  #forget(): void {
    for (const [nonce, hold] of this.#holds) {
      if (this.#now() - hold.beganMs <= holdMsMax && this.#holds.size < holdsMax) return;
      this.#delete(nonce);
    }
  }

  #delete(nonce: string): void {
    const link_id = this.#holds.get(nonce)?.link_id;
    this.#holds.delete(nonce);
    if (link_id === undefined) return;
    const rest = (this.#noncesOfLink.get(link_id) ?? []).filter((other) => other !== nonce);
    if (rest.length > 0) this.#noncesOfLink.set(link_id, rest);
    else this.#noncesOfLink.delete(link_id);
  }

  #now(): number {
    return this.#context.clock.monotonicMs();
  }
}
