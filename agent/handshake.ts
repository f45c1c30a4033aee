import { type KeyObject, sign, verify } from 'node:crypto';
import {
  type AgentMessage,
  agentProtocolVersion,
  type HandshakeTranscript,
  handshakeBytes,
} from '../domain/agent-protocol.ts';

/** Who the agent is, and which server it was enrolled with. Both keys are Ed25519 (RFC 8032). */
export interface Identity {
  agent_id: number;
  private_key: KeyObject;
  /** Pinned: no other server is believed. */
  server_public_key: KeyObject;
  public_url: string;
}

type Hello = Extract<AgentMessage, { type: 'hello' }>;

/** What the agent says and checks until the server has proved itself. One for each session: the nonce is fresh. */
export class Handshake {
  readonly #identity: Identity;
  readonly #nonce: string;
  #transcript: HandshakeTranscript | null = null;

  constructor(identity: Identity, nonce: string) {
    this.#identity = identity;
    this.#nonce = nonce;
  }

  hello(offer: Pick<Hello, 'door_ids' | 'readers'>): AgentMessage {
    const { agent_id } = this.#identity;
    return { type: 'hello', version: agentProtocolVersion, agent_id, nonce: this.#nonce, ...offer };
  }

  proof(server_nonce: string): AgentMessage {
    const { agent_id, public_url, private_key } = this.#identity;
    this.#transcript = { agent_id, agent_nonce: this.#nonce, server_nonce, public_url };
    const signature = sign(null, handshakeBytes('agent', this.#transcript), private_key);
    return { type: 'proof', signature: signature.toString('base64url') };
  }

  /** Whether the signature is the pinned server's, over this very handshake. */
  proves(signature: string): boolean {
    if (this.#transcript === null) return false;
    const bytes = handshakeBytes('server', this.#transcript);
    return verify(null, bytes, this.#identity.server_public_key, Buffer.from(signature, 'base64url'));
  }
}
