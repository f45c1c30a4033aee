import { generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Compile } from 'typebox/compile';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  AgentMessage,
  agentPath,
  agentSubprotocol,
  handshakeBytes,
  type ServerMessage,
} from '../domain/agent-protocol.ts';
import type { AgentLog } from './log.ts';

const agentMessage = Compile(AgentMessage);
const nonce = () => randomBytes(32).toString('base64url');

const newKeys = () => generateKeyPairSync('ed25519');

type KeyPair = ReturnType<typeof newKeys>;
interface Keys {
  agent: KeyPair;
  keys: KeyPair;
}

type Of<Type extends AgentMessage['type']> = Extract<AgentMessage, { type: Type }>;

/** What a server says in the handshake; a dishonest one changes a part of it. */
interface Claims {
  private_key?: KeyObject;
  public_url?: string;
  role?: 'agent' | 'server';
  agent_nonce?: string;
}

/** The far end of the protocol, for tests: it says exactly what it is told to, true or not. */
export class StandInServer implements AsyncDisposable {
  readonly public_url = 'https://postern.example';
  readonly agent: KeyPair;
  readonly keys: KeyPair;
  readonly #server: WebSocketServer;
  readonly #arrivals: Peer[] = [];
  #awaited: ((peer: Peer) => void) | null = null;

  private constructor(server: WebSocketServer, { agent = newKeys(), keys = newKeys() }: Partial<Keys>) {
    this.agent = agent;
    this.keys = keys;
    this.#server = server;
    server.on('connection', (socket) => this.#arrive(new Peer(socket, this)));
  }

  static async open(port = 0, keys: Partial<Keys> = {}): Promise<StandInServer> {
    const handleProtocols = (offered: Set<string>) => offered.has(agentSubprotocol) && agentSubprotocol;
    const server = new WebSocketServer({ port, host: '127.0.0.1', path: agentPath, handleProtocols });
    await once(server, 'listening');
    return new StandInServer(server, keys);
  }

  get port(): number {
    // It listens on TCP, so the address is not a string.
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}${agentPath}`;
  }

  get identity() {
    const { public_url } = this;
    return {
      agent_id: 7,
      private_key: this.agent.privateKey,
      server_public_key: this.keys.publicKey,
      public_url,
    };
  }

  /** The next agent that connects. */
  async next(): Promise<Peer> {
    return this.#arrivals.shift() ?? new Promise((resolve) => (this.#awaited = resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #arrive(peer: Peer): void {
    if (this.#awaited === null) this.#arrivals.push(peer);
    else this.#awaited(peer);
    this.#awaited = null;
  }
}

/** One connected agent as the server sees it. */
export class Peer {
  readonly closed: Promise<unknown>;
  readonly session = nonce();
  readonly #socket: WebSocket;
  readonly #server: StandInServer;
  readonly #inbox: AgentMessage[] = [];
  #awaited: ((message: AgentMessage) => void) | null = null;

  /** What the agent said last of what it has. */
  status: Of<'status'> | null = null;

  constructor(socket: WebSocket, server: StandInServer) {
    this.#socket = socket;
    this.#server = server;
    this.closed = once(socket, 'close');
    socket.on('message', (data) => this.#receive(JSON.parse(data.toString())));
  }

  send(message: ServerMessage): void {
    this.sendRaw(JSON.stringify(message));
  }

  sendRaw(frame: string | Uint8Array): void {
    this.#socket.send(frame);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** The agent's next message, which must be of that type. */
  async read<Type extends AgentMessage['type']>(type: Type): Promise<Of<Type>> {
    const message =
      this.#inbox.shift() ?? (await new Promise<AgentMessage>((resolve) => (this.#awaited = resolve)));
    if (message.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(message)}`);
    // The line above has compared the type.
    return message as Of<Type>;
  }

  /** The handshake up to the welcome; with claims it is a lie. Returns what the agent said of itself. */
  async welcome(claims: Claims = {}): Promise<Of<'hello'>> {
    const hello = await this.read('hello');
    const { public_url, agent, keys } = this.#server;
    const server_nonce = this.session;
    const transcript = { agent_id: hello.agent_id, agent_nonce: hello.nonce, server_nonce, public_url };
    this.send({ type: 'challenge', nonce: server_nonce });
    const proof = Buffer.from((await this.read('proof')).signature, 'base64url');
    if (!verify(null, handshakeBytes('agent', transcript), agent.publicKey, proof))
      throw new Error('no proof');
    const bytes = handshakeBytes(claims.role ?? 'server', { ...transcript, ...claims });
    const signature = sign(null, bytes, claims.private_key ?? keys.privateKey).toString('base64url');
    this.send({ type: 'welcome', signature });
    return hello;
  }

  #receive(message: unknown): void {
    if (!agentMessage.Check(message)) throw new Error(`not in the protocol: ${JSON.stringify(message)}`);
    // It says that by itself now and then; who wants to know reads `status`.
    if (message.type === 'status') this.status = message;
    else if (this.#awaited === null) this.#inbox.push(message);
    else this.#awaited(message);
    if (message.type !== 'status') this.#awaited = null;
  }
}

/** Keeps what was logged. */
export function memoryLog(): AgentLog & { lines: string[] } {
  const lines: string[] = [];
  const log = (fields: object, message: string) => lines.push(`${message} ${JSON.stringify(fields)}`);
  return { lines, info: log, warn: log };
}
