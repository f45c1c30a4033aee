import { PosternError } from '../../domain/errors.ts';
import type { Database } from '../database/database.ts';
import { selectLastPosition, selectNews } from './store.ts';

/** How many streams an organization may have open at once. */
export const streamsPerOrganizationMax = 20;
/** How long one look waits after the one before, so that a busy log is not asked for every single event. */
const restMs = 25;
/** How often the log is looked at when nobody says that it grew. Streams look at their own clocks as often. */
const pollMs = 500;
/** How long streams get to say goodbye when the server stops. */
const farewellMs = 1_000;

/** Somebody who reads the log as it grows. Calls must be short and must not throw. */
export interface Follower {
  organization_id: number;
  /** The log may have grown up to this position; null: only time has passed. */
  wake(position: number | null): void;
  /** The server stops: say goodbye and leave. */
  end(): void;
}

/**
 * Tells those who follow the log that it has grown. It asks the database once for all of them, and only while there
 * are any: when `notify` says that something was committed, and now and then in case nobody said so.
 */
export class EventFeed {
  readonly #database: Database;
  readonly #onError: (error: unknown) => void;
  readonly #followers = new Map<number, Set<Follower>>();
  /** Up to where the followers have been told; null: nobody has been told anything yet. */
  #told: number | null = null;
  #looking = false;
  #lookAgain = false;
  #failing = false;
  #poll: NodeJS.Timeout | undefined;
  #whenNone = () => {};

  constructor({ database, onError }: { database: Database; onError: (error: unknown) => void }) {
    this.#database = database;
    this.#onError = onError;
  }

  /** How many streams are open. */
  get size(): number {
    let size = 0;
    for (const followers of this.#followers.values()) size += followers.size;
    return size;
  }

  /** Something was committed, or given its position: whoever follows hears of it soon. Cheap when nobody does. */
  notify(): void {
    if (this.#followers.size === 0) return;
    if (this.#looking) this.#lookAgain = true;
    else void this.#look();
  }

  /** From now on the follower is woken. Throws `limit_reached` when its organization has too many. */
  follow(follower: Follower): void {
    const { organization_id } = follower;
    const followers = this.#followers.get(organization_id) ?? new Set();
    if (followers.size >= streamsPerOrganizationMax) {
      const message = `This organization has ${followers.size} event streams open, the most that there may be.`;
      throw new PosternError('limit_reached', { message });
    }
    this.#followers.set(organization_id, followers.add(follower));
    this.#poll ??= setInterval(() => this.#onPoll(), pollMs).unref();
  }

  leave(follower: Follower): void {
    const followers = this.#followers.get(follower.organization_id);
    followers?.delete(follower);
    if (followers?.size === 0) this.#followers.delete(follower.organization_id);
    if (this.#followers.size > 0) return;
    clearInterval(this.#poll);
    this.#poll = undefined;
    this.#told = null;
    this.#whenNone();
  }

  /** Ends every stream, and resolves when they are over or have had their time. */
  async end(): Promise<void> {
    if (this.#followers.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenNone = resolve;
    const timer = setTimeout(resolve, farewellMs);
    for (const follower of this.#everybody()) follower.end();
    await promise;
    clearTimeout(timer);
  }

  #onPoll(): void {
    for (const follower of this.#everybody()) follower.wake(null);
    this.notify();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    do {
      this.#lookAgain = false;
      await this.#tell();
      await new Promise((resolve) => setTimeout(resolve, restMs));
    } while (this.#lookAgain && this.#followers.size > 0);
    this.#looking = false;
    if (this.#followers.size === 0) this.#told = null;
  }

  async #tell(): Promise<void> {
    try {
      await this.#database.settled();
      const { read } = this.#database.everywhere;
      if (this.#told === null) {
        const last = await selectLastPosition(read);
        this.#told = last;
        for (const follower of this.#everybody()) follower.wake(last);
        return;
      }
      for (const { organization_id, last } of await selectNews(read, this.#told)) {
        this.#told = Math.max(this.#told ?? 0, last);
        for (const follower of this.#followers.get(organization_id) ?? []) follower.wake(last);
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#onError(error); // once, and not again until it has worked
      this.#failing = true;
    }
  }

  #everybody(): Follower[] {
    return [...this.#followers.values()].flatMap((followers) => [...followers]);
  }
}
