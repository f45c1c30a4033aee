import { sign, verify } from 'node:crypto';
import {
  type AgentMessage,
  agentProtocolVersion,
  type HandshakeTranscript,
  handshakeBytes,
  type ServerMessage,
} from '../../domain/agent-protocol.ts';
import type { Context } from '../context.ts';
import type { HostKey } from '../installation.ts';
import { publicKeyOf } from '../organizations/keys.ts';
import { claimDoors, doorsMessages, type RecognisedAgent } from './claims.ts';
import { selectAgent } from './store.ts';

type Hello = Extract<AgentMessage, { type: 'hello' }>;

/** An agent that has proven who it is. */
export interface ProvenAgent {
  agent_id: number;
  organization_id: number;
  name: string;
  door_ids: ReadonlySet<number>;
  /** As it was when it was recognised. */
  row: RecognisedAgent;
  /** What it says that it has; its own word. */
  readers: Hello['readers'];
}

export type HandshakeStep =
  | { say: readonly ServerMessage[]; agent: ProvenAgent | null }
  /** Why it is over, for the log. */
  | { problem: string };

/** What the server says and checks until an agent has proven itself. One for each session: the nonce is fresh. */
export class Handshake {
  readonly nonce: string;
  readonly #context: Context;
  readonly #hostKey: HostKey;
  #hello: Hello | null = null;

  constructor(context: Context, hostKey: HostKey) {
    this.#context = context;
    this.#hostKey = hostKey;
    this.nonce = Buffer.from(context.random.bytes(32)).toString('base64url');
  }

  async step(message: AgentMessage): Promise<HandshakeStep> {
    if (message.type === 'hello' && this.#hello === null) {
      if (message.version !== agentProtocolVersion)
        return { problem: `it speaks version ${message.version}` };
      this.#hello = message;
      return { say: [{ type: 'challenge', nonce: this.nonce }], agent: null };
    }
    if (message.type !== 'proof' || this.#hello === null)
      return { problem: 'it left the order of the handshake' };
    const row = await this.#proven(this.#hello, message.signature);
    if (row === null) return { problem: 'its signature does not hold' };
    const claims = await claimDoors(this.#context, row, this.#hello.door_ids);
    if (claims === null) return { problem: 'the agent was removed or enrolled again meanwhile' };
    const bytes = handshakeBytes('server', this.#transcript(this.#hello));
    const signature = sign(null, bytes, this.#hostKey.privateKey).toString('base64url');
    const { id: agent_id, organization_id, name } = row;
    const door_ids = new Set(claims.doors.map(({ id }) => id));
    return {
      say: [{ type: 'welcome', signature }, ...doorsMessages(claims)],
      agent: { agent_id, organization_id, name, door_ids, row, readers: this.#hello.readers },
    };
  }

  async #proven(hello: Hello, signature: string): Promise<RecognisedAgent | null> {
    const row = await selectAgent(this.#context.database.everywhere.read, hello.agent_id);
    if (!row?.public_key) return null;
    const bytes = handshakeBytes('agent', this.#transcript(hello));
    const holds = verify(null, bytes, publicKeyOf(row.public_key), Buffer.from(signature, 'base64url'));
    return holds ? row : null;
  }

  #transcript(hello: Hello): HandshakeTranscript {
    const { publicUrl: public_url } = this.#context;
    const { agent_id, nonce: agent_nonce } = hello;
    return { agent_id, agent_nonce, server_nonce: this.nonce, public_url };
  }
}
