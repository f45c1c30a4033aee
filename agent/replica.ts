import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { Compile } from 'typebox/compile';
import type { ServerMessage } from '../domain/agent-protocol.ts';
import type { PassVerifier } from '../domain/pass.ts';
import { Replica, type ReplicaDoor } from '../domain/replica.ts';
import type { Schedule } from '../domain/schedule.ts';
import type { KeptFile } from './kept-file.ts';

const replicaCheck = Compile(Replica);

type ReplicaPart = Extract<ServerMessage, { type: 'replica' }>;

/** What this agent knows of its organization: enough to decide alone, and nothing that could sign anything. */
export class KnownReplica {
  readonly #file: KeptFile;
  #replica: Replica | null = null;
  #keys = new Map<string, KeyObject>();
  #doors = new Map<number, ReplicaDoor>();
  #schedules = new Map<number, readonly Schedule[]>();
  #parts: string[] = [];

  constructor(file: KeptFile) {
    this.#file = file;
  }

  /** Takes up what was kept; what cannot be read is as good as nothing, the server sends it anew. */
  async open(): Promise<void> {
    const text = await this.#file.read();
    const replica = text === null ? null : parsed(text);
    if (replica) this.#use(replica);
  }

  get organization_id(): number | null {
    return this.#replica?.organization_id ?? null;
  }

  get revision(): number | null {
    return this.#replica?.revision ?? null;
  }

  /** Verifies with the organization's own keys, so that a pass of another organization is no pass here. */
  readonly verifyPass: PassVerifier = (kid, bytes, signature) => {
    const key = this.#keys.get(Buffer.from(kid).toString('hex'));
    return key !== undefined && verify(null, bytes, key, signature);
  };

  door(door_id: number): ReplicaDoor | null {
    return this.#doors.get(door_id) ?? null;
  }

  /** Null: no door here is in such a group. */
  schedulesOf(group_id: number): readonly Schedule[] | null {
    return this.#schedules.get(group_id) ?? null;
  }

  readerId(name: string): number | null {
    return this.#replica?.readers.find((reader) => reader.name === name)?.id ?? null;
  }

  /** Takes one piece. With the last it holds at once; resolves when it is kept. Throws when the pieces make no sense. */
  async take({ part, parts, text }: ReplicaPart): Promise<void> {
    if (part === 0) this.#parts = [];
    if (part !== this.#parts.length) throw new Error('A piece of the replica is missing.');
    this.#parts.push(text);
    if (this.#parts.length < parts) return;
    const whole = this.#parts.join('');
    this.#parts = [];
    const replica = parsed(whole);
    if (replica === null) throw new Error('The replica is none.');
    this.#use(replica);
    await this.#file.write(`${whole}\n`);
  }

  #use(replica: Replica): void {
    this.#replica = replica;
    this.#keys = new Map(replica.keys.map(({ kid, public_key }) => [kid, keyOf(public_key)]));
    this.#doors = new Map(replica.doors.map((door) => [door.id, door]));
    this.#schedules = new Map(replica.groups.map(({ id, schedules }) => [id, schedules]));
  }
}

function parsed(text: string): Replica | null {
  try {
    const value: unknown = JSON.parse(text);
    return replicaCheck.Check(value) ? value : null;
  } catch {
    return null;
  }
}

function keyOf(x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
