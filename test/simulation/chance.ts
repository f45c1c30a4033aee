import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { Random } from '../../server/context.ts';
import { randomFrom } from '../seed.ts';

/** Every choice of a world, the same ones for the same seed. */
export class Chance {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomFrom(seed);
  }

  /** In [0, 1). */
  fraction(): number {
    return this.#next();
  }

  happens(probability: number): boolean {
    return this.#next() < probability;
  }

  /** A whole number, both ends among them. */
  between(min: number, max: number): number {
    return min + Math.floor(this.#next() * (max - min + 1));
  }

  pick<T>(list: readonly T[]): T {
    const found = this.maybePick(list);
    if (found === undefined) throw new Error('there is nothing to choose from');
    return found;
  }

  maybePick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#next() * list.length)];
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.#next() * 256;
    return bytes;
  }

  /** Another source of choices, so that how many are taken here and there does not matter to each other. */
  fork(): Chance {
    return new Chance(this.between(0, 2 ** 31 - 1));
  }
}

/** How a PKCS #8 file of an Ed25519 key begins (RFC 8410 §7); its 32 bytes follow. */
const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The randomness of a process, out of seeded bytes. */
export function randomOf(chance: Chance, nowMs: () => number): Random {
  return {
    bytes: (length) => chance.bytes(length),
    uuid: () => uuidOf(nowMs(), chance.bytes(10)),
    keyPair() {
      const der = Buffer.concat([ed25519Prefix, chance.bytes(32)]);
      const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      return { privateKey, publicKey: createPublicKey(privateKey) };
    },
  };
}

/** Version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then randomness with the version and the variant in it. */
function uuidOf(ms: number, bytes: Uint8Array): string {
  const time = Math.floor(ms).toString(16).padStart(12, '0');
  const rest = Buffer.from(bytes);
  rest[0] = 0x70 | ((rest[0] ?? 0) & 0x0f);
  rest[2] = 0x80 | ((rest[2] ?? 0) & 0x3f);
  const all = time + rest.toString('hex');
  return [all.slice(0, 8), all.slice(8, 12), all.slice(12, 16), all.slice(16, 20), all.slice(20)].join('-');
}
