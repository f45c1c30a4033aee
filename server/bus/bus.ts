/**
 * Messages between the server processes that share one database. Each reaches the others at most once, and none is
 * kept for a process that is not listening: whoever needs an answer waits for one, with a deadline of its own.
 * A message broker could stand behind this as well as PostgreSQL does.
 */
export interface Bus {
  /** This process among them, new with every start. */
  process_id: string;
  /** Sends to every other process. Rejects when it certainly reached nobody. */
  publish(topic: Topic, message: object): Promise<void>;
  /** Hears what other processes publish. */
  subscribe(topic: Topic, listener: Listener): void;
  /** Is told whenever the line stands (again): what was said meanwhile is lost. */
  onConnected(listener: () => void): void;
  close(): Promise<void>;
}

/**
 * `agents`: who is connected where. `requests`, `answers`: something asked of the process that has an agent.
 * `counters`: what was counted for limits. `events`: events have got
 * their positions. `news`: what agents know has changed.
 */
export type Topic = 'agents' | 'news' | 'requests' | 'answers' | 'counters' | 'events';

/** `ageMs`: how long ago it was sent at most, by the database's clock, whatever clocks the processes have. */
export type Listener = (message: unknown, sent: { from: string; ageMs: number }) => void;

/** For one process alone: nobody else is there. */
export function silentBus(process_id: string): Bus {
  return {
    process_id,
    publish: async () => {},
    subscribe: () => {},
    onConnected: () => {},
    close: async () => {},
  };
}
