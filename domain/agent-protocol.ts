import { type Static, Type } from 'typebox';
import { Report, reportsPerMessageMax } from './reports.ts';
import { RevocationStatement } from './revocation-list.ts';

/*
 * What a server and an agent say to each other over one WebSocket that the agent opens: JSON text frames,
 * one message a frame. The order of the handshake is hello, challenge, proof, welcome; anything else closes it.
 */

/** The WebSocket subprotocol (RFC 6455 §1.9), and the path it is spoken at. */
export const agentSubprotocol = 'postern.agent.v1';
export const agentPath = '/agents/connect';
export const agentProtocolVersion = 1;

/** A frame larger than this ends the session: the longest legitimate one is a batch of commands. */
export const agentFrameBytesMax = 64 * 1024;
/** How often the server sends a heartbeat, and how long either side waits for one before it gives up. */
export const heartbeatIntervalMs = 5_000;
export const heartbeatTimeoutMs = 15_000;
/** How long a command may take from the server's commit to the lock. */
export const commandLifetimeMs = 2_500;
/** How long the server waits for the outcome of a command before it answers `outcome_unknown`. */
export const outcomeTimeoutMs = 3_000;
/** How long the agent waits for the decision on what a reader read; afterwards it may be none any more. */
export const presentationLifetimeMs = 2_000;
/** How long the server waits for the agent to say that it keeps how its doors stand. */
export const doorStatesTimeoutMs = 2_000;
/** How many doors one such message tells about: it also travels between server processes, in less than 8,000 bytes. */
export const doorStatesPerMessageMax = 64;
/** How many doors one message names, each with 200 characters at most: less than a frame. */
export const doorsPerMessageMax = 64;
/** How many outcomes one message tells, each with a sentence: less than a frame. */
export const outcomesPerMessageMax = 128;
/** The longest text a reader passes on: the capacity of a QR code, version 40-L, alphanumeric (ISO/IEC 18004). */
export const readerTextLengthMax = 4_296;

/** How a replica is cut: each piece fits into a frame, however it is written in JSON. */
export const replicaPartLengthMax = 16_384;
export const replicaPartsMax = 1_024;
/** How many changes of the revocation list travel together; beyond, it is sent whole. */
export const revocationsPerMessageMax = 4_096;

const Id = Type.Integer({ minimum: 1 });
const Nonce = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
const Signature = Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' });

/** The agent's log of what the server was not told yet. */
export const OutboxStatus = Type.Object({
  id: Nonce,
  /** Reports that wait, and how many may. */
  waiting: Type.Integer({ minimum: 0 }),
  waiting_max: Type.Integer({ minimum: 1 }),
});
export type OutboxStatus = Static<typeof OutboxStatus>;

export const AgentMessage = Type.Union([
  Type.Object({
    type: Type.Literal('hello'),
    version: Type.Integer(),
    agent_id: Id,
    /** 32 random bytes, base64url: makes the server's signature fresh. */
    nonce: Nonce,
    door_ids: Type.Array(Id, { maxItems: 256 }),
    readers: Type.Array(Type.Object({ name: Type.String({ minLength: 1, maxLength: 200 }), door_id: Id }), {
      maxItems: 256,
    }),
  }),
  Type.Object({ type: Type.Literal('proof'), signature: Signature }),
  /** Answers a heartbeat with the agent's own monotonic clock and, where it has one, its time since 1970; milliseconds. */
  Type.Object({
    type: Type.Literal('heartbeat'),
    sequence: Type.Integer(),
    monotonic_ms: Type.Number(),
    now_ms: Type.Optional(Type.Union([Type.Number(), Type.Null()])),
  }),
  /**
   * A text that a reader read at a door. `presentation_id` is the agent's own, to match the answer; `monotonic_ms` is its clock
   * then: what was held up on its way is not decided any more.
   */
  Type.Object({
    type: Type.Literal('presentation'),
    presentation_id: Type.Integer({ minimum: 0 }),
    monotonic_ms: Type.Number(),
    door_id: Id,
    reader: Type.String({ minLength: 1, maxLength: 200 }),
    text: Type.String({ maxLength: readerTextLengthMax }),
  }),
  /**
   * What became of commands, those of one moment together. `not_done`: the lock did not move, and why, in words; `unknown`:
   * the lock did not say.
   */
  Type.Object({
    type: Type.Literal('outcomes'),
    outcomes: Type.Array(
      Type.Object({
        command_id: Type.String({ maxLength: 64 }),
        outcome: Type.Union([Type.Literal('done'), Type.Literal('not_done'), Type.Literal('unknown')]),
        message: Type.Optional(Type.String({ maxLength: 200 })),
      }),
      { minItems: 1, maxItems: outcomesPerMessageMax },
    ),
  }),
  /** The agent has written down how those doors stand. */
  Type.Object({ type: Type.Literal('door_states_kept'), message_id: Type.Integer({ minimum: 1 }) }),
  /** What the agent has, once a session begins and whenever it changes. */
  Type.Object({
    type: Type.Literal('status'),
    /** Of the software. */
    version: Type.String({ maxLength: 64 }),
    replica_revision: Type.Union([Type.Integer(), Type.Null()]),
    /** Of the revocation list that it goes by, and when that was signed. */
    revocation_epoch: Type.Union([Type.Integer(), Type.Null()]),
    revocation_signed_at: Type.Union([Type.String({ maxLength: 24 }), Type.Null()]),
    outbox: OutboxStatus,
  }),
  /** The list in hand is not the one that the statement speaks of: the whole of it is asked for. */
  Type.Object({ type: Type.Literal('revocations_wanted') }),
  Type.Object({
    type: Type.Literal('reports'),
    /** Which log these are numbers of. */
    outbox_id: Nonce,
    reports: Type.Array(Report, { minItems: 1, maxItems: reportsPerMessageMax }),
  }),
  /** What the sensors at the doors say, whenever they say something. */
  Type.Object({
    type: Type.Literal('sensors'),
    doors: Type.Array(
      Type.Object({
        door_id: Id,
        open: Type.Optional(Type.Boolean()),
        locked: Type.Optional(Type.Boolean()),
      }),
      { minItems: 1, maxItems: 256 },
    ),
  }),
]);
export type AgentMessage = Static<typeof AgentMessage>;

export type ToldOutcome = Extract<AgentMessage, { type: 'outcomes' }>['outcomes'][number];

export const ServerMessage = Type.Union([
  Type.Object({ type: Type.Literal('challenge'), nonce: Nonce }),
  Type.Object({ type: Type.Literal('welcome'), signature: Signature }),
  /**
   * After the welcome: what became of the doors that the hello named. Further messages of a session name further doors.
   * A refused door is not this agent's: the server sends no command for it, and decides no presentation at it.
   */
  Type.Object({
    type: Type.Literal('doors'),
    doors: Type.Array(Type.Object({ door_id: Id, name: Type.String({ maxLength: 200 }) }), {
      maxItems: doorsPerMessageMax,
    }),
    refused: Type.Array(Type.Object({ door_id: Id, why: Type.String({ maxLength: 64 }) }), {
      maxItems: doorsPerMessageMax,
    }),
  }),
  Type.Object({ type: Type.Literal('heartbeat'), sequence: Type.Integer() }),
  /**
   * All commands of one commit travel together. `session` is the nonce of this session's challenge, which both sides
   * have signed; `sequence` rises by one with each message of the session.
   */
  Type.Object({
    type: Type.Literal('unlock'),
    session: Nonce,
    sequence: Type.Integer({ minimum: 1 }),
    commands: Type.Array(
      Type.Object({
        command_id: Type.String({ maxLength: 64 }),
        door_id: Id,
        /** How long the lock stays released, in milliseconds. */
        pulse_ms: Type.Integer({ minimum: 1, maximum: 60_000 }),
        /** On the agent's monotonic clock: not executed later than this. */
        deadline_ms: Type.Number(),
      }),
      { minItems: 1, maxItems: 256 },
    ),
  }),
  Type.Object({
    type: Type.Literal('decision'),
    presentation_id: Type.Integer({ minimum: 0 }),
    granted: Type.Boolean(),
    /** A denial reason, or another word of `domain/errors.ts`, when not granted; else null. */
    reason: Type.Union([Type.String(), Type.Null()]),
  }),
  /**
   * How doors stand: sent for all of an agent's doors when a session begins, and for those that change. The agent keeps
   * it over restarts and opens no door that is locked down, whatever else it is told.
   */
  Type.Object({
    type: Type.Literal('door_states'),
    message_id: Type.Integer({ minimum: 1 }),
    doors: Type.Array(
      Type.Object({
        door_id: Id,
        /** Rises with every change: within a session, a lower one is older news and is dropped. */
        revision: Type.Integer({ minimum: 0 }),
        locked_down: Type.Boolean(),
      }),
      { maxItems: doorStatesPerMessageMax },
    ),
  }),
  /** One piece of a `Replica` as JSON: larger ones do not fit into a frame. The last piece completes it. */
  Type.Object({
    type: Type.Literal('replica'),
    part: Type.Integer({ minimum: 0 }),
    parts: Type.Integer({ minimum: 1, maximum: replicaPartsMax }),
    text: Type.String({ maxLength: replicaPartLengthMax }),
  }),
  /** One segment of the revocation list, whole: deflated (RFC 1950), base64. It counts when a statement names it. */
  Type.Object({
    type: Type.Literal('revocation_segment'),
    segment: Type.Integer({ minimum: 0 }),
    bits: Type.String({ maxLength: 32_768 }),
  }),
  /** Passes that were revoked since, and segments that were dropped. They count when a statement says so. */
  Type.Object({
    type: Type.Literal('revocation_changes'),
    revoked: Type.Array(Type.Integer({ minimum: 0 }), { maxItems: revocationsPerMessageMax }),
    dropped: Type.Array(Type.Integer({ minimum: 0 }), { maxItems: revocationsPerMessageMax }),
  }),
  /** `whole`: all segments were sent just before; what the agent had is no part of it. */
  Type.Object({
    type: Type.Literal('revocation_statement'),
    statement: RevocationStatement,
    whole: Type.Boolean(),
  }),
  /** All reports of this log up to this number are kept: the agent need not tell them again. */
  Type.Object({
    type: Type.Literal('reports_kept'),
    outbox_id: Nonce,
    sequence: Type.Integer({ minimum: 0 }),
  }),
]);
export type ServerMessage = Static<typeof ServerMessage>;

export type ToldDoorState = Extract<ServerMessage, { type: 'door_states' }>['doors'][number];

export type DoorsMessage = Extract<ServerMessage, { type: 'doors' }>;

/** Why a door is refused, and what that says to a person. */
export const refusedDoorReasons = {
  unknown: 'there is no such door in this organization',
  driven_by_another: 'another agent drives it: remove that one, or take the door out of its file',
} as const;
export type RefusedDoor = { door_id: number; why: keyof typeof refusedDoorReasons };

export type UnlockCommand = Extract<ServerMessage, { type: 'unlock' }>['commands'][number];

/** What both sides sign: everything that makes this session this one. */
export interface HandshakeTranscript {
  agent_id: number;
  agent_nonce: string;
  server_nonce: string;
  /** The server's public URL as each side knows it: a session relayed to another server does not verify. */
  public_url: string;
}

/**
 * The bytes that the agent (`role` "agent") and the server (`role` "server") sign with Ed25519 (RFC 8032):
 * a JSON array in fixed order, UTF-8. The role makes the two signatures unusable for each other.
 */
export function handshakeBytes(role: 'agent' | 'server', transcript: HandshakeTranscript): Uint8Array {
  const { agent_id, agent_nonce, server_nonce, public_url } = transcript;
  const fields = [
    'postern-handshake',
    agentProtocolVersion,
    role,
    agent_id,
    agent_nonce,
    server_nonce,
    public_url,
  ];
  return new TextEncoder().encode(JSON.stringify(fields));
}
