import type { Answer, HoldView, LinkView, LockView } from './api.ts';

/** What keeps the page from showing a link, or from showing news of it. */
export type Trouble = 'unknown_link' | 'no_session' | 'no_connection' | 'server_error' | 'too_many_requests';

export type Stage = 'loading' | Trouble | LinkView['state'] | 'outside_schedule';

/** One press of a door's button, from finger down or from the activation that asked for a confirmation. */
export interface Press {
  controller: AbortController;
  hold: Promise<Answer<HoldView>>;
  /** When the confirmation came up, by `performance.now()`. */
  askedAt: number;
}

export interface Door {
  lock: LockView;
  phase: 'ready' | 'holding' | 'confirming' | 'opening' | 'open' | 'failed';
  /** The nonce has arrived, and with it the time to hold begins. */
  counting: boolean;
  message: string;
  /** How long the door stays released, in milliseconds from the moment it opened. */
  openMs: number;
  press: Press | null;
}

export interface State {
  linkId: string | null;
  /** Only between reading the address and the session: then it is forgotten. */
  secret: string | null;
  link: LinkView | null;
  doors: Map<number, Door>;
  /** What went wrong with the last question to the server; the link that we know stays on the page. */
  trouble: Trouble | null;
}

/** What the parts of the page share: the one state, and how to say that it changed. */
export interface Page {
  state: State;
  render(): void;
  /** Asks the server again, now. */
  refresh(): Promise<void>;
}

/** What the page is about at the server's time `now`. The end is exact: it does not wait for the server to say so. */
export function stageOf({ link, trouble }: State, now: number): Stage {
  if (link === null) return trouble ?? 'loading';
  if (link.state === 'revoked' || link.state === 'suspended') return link.state;
  if (now >= Date.parse(link.valid_until)) return 'expired';
  const closed = link.locks.length > 0 && link.locks.every((lock) => lock.reason === 'outside_schedule');
  return link.state === 'active' && closed ? 'outside_schedule' : link.state;
}

/** Whether doors may be opened at this stage, or will be. */
export function isLive(stage: Stage): boolean {
  return stage === 'active' || stage === 'not_active' || stage === 'outside_schedule';
}

/** Takes over what the server says, keeping what is going on at each door. */
export function acceptLink(state: State, link: LinkView): void {
  const doors = link.locks.map((lock): [number, Door] => {
    const known = state.doors.get(lock.id);
    if (known === undefined) return [lock.id, newDoor(lock)];
    known.lock = lock;
    return [lock.id, known];
  });
  const kept = new Map(doors);
  for (const [id, door] of state.doors) {
    // A door that is open stays on the page until it is shut, even if the link ended with it.
    if (isOpening(door)) kept.set(id, door);
    else if (!kept.has(id)) abandon(door, '');
  }
  state.doors = kept;
  state.link = link;
  state.trouble = null;
}

export function isOpening(door: Door): boolean {
  return door.phase === 'opening' || door.phase === 'open';
}

/** Ends what the visitor began at this door. */
export function abandon(door: Door, message: string): void {
  door.press?.controller.abort();
  door.press = null;
  door.phase = 'ready';
  door.message = message;
}

function newDoor(lock: LockView): Door {
  return { lock, phase: 'ready', counting: false, message: '', openMs: 0, press: null };
}
