import { commandLifetimeMs, type ServerMessage, type UnlockCommand } from '../domain/agent-protocol.ts';
import type { Lock, Pulse } from './locks/lock.ts';

export type UnlockMessage = Extract<ServerMessage, { type: 'unlock' }>;

/** One command and everything it is judged by. */
export interface Order {
  message: UnlockMessage;
  command: UnlockCommand;
  /** What the session has agreed on. */
  session: string;
  next_sequence: number;
  /** The agent's monotonic clock, now. */
  now_ms: number;
  /** The door's lock, if the door is one of this agent's. */
  lock: Lock | undefined;
  /** What the server last told of the door. */
  locked_down: boolean;
}

export type Outcome = { outcome: 'done' | 'unknown' } | { outcome: 'not_done'; message: string };

const outcomeMessageLengthMax = 200;

/**
 * Moves the lock at most once and at once, or not at all. Never rejects: what went wrong is the outcome.
 * The server counts from the last heartbeat it has received, so its idea of this clock is behind, never ahead:
 * a deadline further away than a command lives is somebody's mistake, and no lock moves on a mistake.
 */
export async function obey(order: Order): Promise<Outcome> {
  const refusal = refusals.find(([, applies]) => applies(order));
  if (refusal !== undefined) return notDone(refusal[0]);
  const { command_id, pulse_ms } = order.command;
  return moveLock(order.lock, { command_id, pulse_ms });
}

/** Moves the lock once. Never rejects: what went wrong is the outcome. */
export async function moveLock(lock: Lock | undefined, pulse: Pulse): Promise<Outcome> {
  if (lock === undefined) return notDone('This agent has no such door.');
  try {
    return { outcome: await lock.pulse(pulse) };
  } catch (error) {
    return notDone(error instanceof Error ? error.message : 'The lock did not move.');
  }
}

const refusals: readonly [string, (order: Order) => boolean][] = [
  ['The command belongs to another session.', ({ message, session }) => message.session !== session],
  ['The command is not the next of its session.', (order) => order.message.sequence !== order.next_sequence],
  ['The door is locked down.', ({ locked_down }) => locked_down],
  ['The command came after its deadline.', ({ command, now_ms }) => now_ms > command.deadline_ms],
  [
    'The deadline is further away than a command lives.',
    ({ command, now_ms }) => command.deadline_ms - now_ms > 2 * commandLifetimeMs,
  ],
];

function notDone(message: string): Outcome {
  return { outcome: 'not_done', message: message.slice(0, outcomeMessageLengthMax) };
}
