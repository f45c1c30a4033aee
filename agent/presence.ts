import { type DoorsMessage, refusedDoorReasons } from '../domain/agent-protocol.ts';
import type { AgentLog } from './log.ts';

interface PresenceParts {
  /** Their names are put right when the server says them. */
  doors: readonly { id: number; name: string }[];
  /** The wall clock, ISO 8601. */
  at: () => string;
  log: AgentLog;
}

/** Whether the agent is connected, since when, and which doors the server has given it. */
export class Presence {
  readonly #parts: PresenceParts;
  #isConnected = false;
  #since: string;
  #problem: string | null = null;
  readonly #driven = new Set<number>();
  readonly #refused = new Map<number, string>();

  constructor(parts: PresenceParts) {
    this.#parts = parts;
    this.#since = parts.at();
  }

  connected(): void {
    [this.#isConnected, this.#since, this.#problem] = [true, this.#parts.at(), null];
  }

  /** The first problem after a connection says when it was lost; later ones only why it still is. */
  lost(problem: string): void {
    if (this.#isConnected) this.#since = this.#parts.at();
    this.#isConnected = false;
    this.#problem = problem;
  }

  /** Answers whether a door has another name than before. */
  learn({ doors, refused }: DoorsMessage): boolean {
    const names = new Map(doors.map(({ door_id, name }) => [door_id, name]));
    let isNews = false;
    for (const door of this.#parts.doors) {
      const name = names.get(door.id) ?? door.name;
      isNews ||= name !== door.name;
      door.name = name;
    }
    for (const door_id of names.keys()) {
      this.#driven.add(door_id);
      this.#refused.delete(door_id);
    }
    for (const { door_id, why } of refused) this.#refuse(door_id, why);
    return isNews;
  }

  status() {
    const connection = { connected: this.#isConnected, since: this.#since, problem: this.#problem };
    const doors = this.#parts.doors.map(({ id, name }) => ({
      ...{ id, name },
      refused: this.#refused.get(id) ?? null,
      driven: this.#driven.has(id),
    }));
    return { connection, doors };
  }

  /** Said once, not at every connection. */
  #refuse(door_id: number, why: string): void {
    const words = refusalWords(why);
    this.#driven.delete(door_id);
    if (this.#refused.get(door_id) === words) return;
    this.#refused.set(door_id, words);
    this.#parts.log.warn({ door_id }, `The server does not give this agent door ${door_id}: ${words}.`);
  }
}

/** A server of another version may have another reason. */
export function refusalWords(why: string): string {
  const words: Record<string, string> = refusedDoorReasons;
  return Object.hasOwn(words, why) ? (words[why] ?? why) : why;
}
