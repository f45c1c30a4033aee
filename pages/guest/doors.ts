import * as api from './api.ts';
import { abandon, type Door, type Page, type Press } from './state.ts';
import { serverNow } from './time.ts';
import * as words from './words.ts';

export const holdMs = 700; // the server wants 600
const openMsMin = 3000;
const openMsMax = 60_000;
const nonceMarginMs = 3000;

/** Finger or key down: asks for the nonce, and opens when the press has lasted long enough after it came. */
export async function beginHold(page: Page, door: Door): Promise<void> {
  if (!takesPress(door)) return;
  const press = newPress(page, door);
  door.phase = 'holding';
  door.counting = false;
  door.message = '';
  page.render();
  const hold = await press.hold;
  if (door.press !== press || door.phase !== 'holding') return;
  if (!hold.ok) return fail(page, door, hold);
  door.counting = true;
  page.render();
  await wait(holdMs);
  if (door.press === press && door.phase === 'holding') await open(page, door, hold.body.nonce);
}

/** Let go too early. Nothing happened at the door, and the next press starts afresh. */
export function releaseHold(page: Page, door: Door): void {
  if (door.phase !== 'holding') return;
  abandon(door, words.releasedEarly);
  page.render();
}

/** The first step for those who cannot hold: names the door and asks. A tapped key brings its own nonce along. */
export function askToConfirm(page: Page, door: Door): void {
  const press = door.phase === 'holding' ? door.press : null;
  if (press === null && !takesPress(door)) return;
  door.press = press ?? newPress(page, door);
  door.press.askedAt = performance.now();
  door.phase = 'confirming';
  door.message = words.question(door.lock.name);
  page.render();
}

/** The second step, on a control of its own. Too soon after the first, it was the same gesture: nothing opens. */
export async function confirm(page: Page, door: Door): Promise<void> {
  const { press } = door;
  if (press === null || door.phase !== 'confirming') return;
  if (performance.now() - press.askedAt < holdMs) {
    remark(page, door, words.confirmTooSoon);
    return;
  }
  door.phase = 'opening';
  page.render();
  const hold = await freshHold(page, door, press);
  if (!hold.ok) return fail(page, door, hold);
  await open(page, door, hold.body.nonce);
}

export function dismiss(page: Page, door: Door): void {
  if (door.phase !== 'confirming') return;
  abandon(door, '');
  page.render();
}

export function remark(page: Page, door: Door, message: string): void {
  door.message = message;
  page.render();
}

function takesPress(door: Door): boolean {
  return (
    (door.phase === 'ready' || door.phase === 'failed' || door.phase === 'confirming') && door.lock.unlockable
  );
}

function newPress(page: Page, door: Door): Press {
  door.press?.controller.abort();
  const controller = new AbortController();
  const hold = api.startHold(page.state.link?.id ?? 0, door.lock.id, controller.signal);
  door.press = { controller, hold, askedAt: 0 };
  return door.press;
}

/** Who listens to a screen reader takes his time: a nonce that has grown old is replaced, and waited for again. */
async function freshHold(page: Page, door: Door, press: Press): Promise<api.Answer<api.HoldView>> {
  const first = await press.hold;
  const ageMs = first.ok ? Date.now() - first.receivedAt : 0;
  if (first.ok && ageMs < first.body.hold_ms_max - nonceMarginMs) {
    await wait(holdMs - ageMs);
    return first;
  }
  const second = await newPress(page, door).hold;
  await wait(holdMs);
  return second;
}

async function open(page: Page, door: Door, nonce: string): Promise<void> {
  door.phase = 'opening';
  page.render();
  const answer = await api.unlock(page.state.link?.id ?? 0, door.lock.id, nonce);
  if (!answer.ok) return fail(page, door, answer, words.noAnswer);
  const releasedMs = Date.parse(answer.body.unlocked_until) - serverNow() || openMsMin;
  door.phase = 'open';
  door.openMs = Math.min(Math.max(releasedMs, openMsMin), openMsMax);
  door.message = words.opened(door.lock.name);
  navigator.vibrate?.(120);
  page.render();
  setTimeout(() => {
    abandon(door, '');
    page.render();
  }, door.openMs);
  await page.refresh();
}

/** Says what happened and leaves the button ready for the next try; the server may know more about the link now. */
async function fail(
  page: Page,
  door: Door,
  answer: Refusal,
  noAnswer = words.pressNoConnection,
): Promise<void> {
  abandon(door, answer.status === 0 ? noAnswer : refusalWords(answer));
  door.phase = 'failed';
  page.render();
  await page.refresh();
}

type Refusal = Extract<api.Answer<unknown>, { ok: false }>;

function refusalWords({ status, reason, retryAfterSeconds }: Refusal): string {
  if (status === 429) return words.tooManyTries(retryAfterSeconds);
  return failures[reason] ?? words.stayedShut;
}

const failures: Record<string, string> = {
  ...words.denials,
  hold_too_short: words.holdTooShort,
  hold_expired: words.pressAgain,
  hold_used: words.pressAgain,
  outcome_unknown: words.outcomeUnknown,
  lock_failed: words.lockFailed,
};

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
