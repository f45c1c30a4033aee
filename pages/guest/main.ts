import { showAddress, takeAddress } from './address.ts';
import { type Answer, type LinkView, readLink, startSession } from './api.ts';
import { part, say } from './dom.ts';
import { listenForFull } from './pass-view.ts';
import { render } from './render.ts';
import { acceptLink, type Page, type State, stageOf, type Trouble } from './state.ts';
import { learnServerTime, serverNow } from './time.ts';
import * as words from './words.ts';

const pollMs = 30_000;
const retryMs = 5000;
const wakeMs = 1500;

const state: State = { ...newState(), ...takeAddress() };
const page: Page = { state, render: () => render(page), refresh };
let asking = false;
let askAgain = false;
let askedAt = 0;
let nextAskMs = pollMs;

window.addEventListener('hashchange', () => {
  Object.assign(state, newState(), takeAddress());
  page.render();
  void refresh();
});
window.addEventListener('online', refresh);
window.addEventListener('pageshow', (event) => {
  if (event.persisted) void refresh();
});
document.addEventListener('visibilitychange', () => {
  page.render();
  if (document.visibilityState === 'visible' && Date.now() - askedAt > wakeMs) void refresh();
});
part(document, 'retry').addEventListener('click', refresh);
say(document, 'hold-note', words.holdNote);
document.title = words.title;
listenForFull();
void refresh();
tick();

function newState(): State {
  return { linkId: null, secret: null, link: null, doors: new Map(), trouble: null };
}

/** One question at a time; who asks meanwhile gets an answer that is newer than his question. */
async function refresh(): Promise<void> {
  askAgain = asking;
  if (asking) return;
  asking = true;
  do {
    askAgain = false;
    askedAt = Date.now();
    await ask();
    page.render();
  } while (askAgain);
  asking = false;
}

/** None of these questions changes anything on the server: opening a door takes a person. */
async function ask(): Promise<void> {
  const { secret, linkId } = state;
  if (secret !== null) {
    const answer = await startSession(secret);
    if (state.secret === secret) accept(answer);
  } else if (linkId !== null) {
    const answer = await readLink(linkId);
    if (state.secret === null && state.linkId === linkId) accept(answer);
  } else {
    state.trouble ??= 'no_session';
  }
}

function accept(answer: Answer<LinkView>): void {
  nextAskMs = pollMs;
  if (answer.ok) acceptView(answer);
  else if (answer.status === 401 || answer.status === 404) refuse();
  else {
    nextAskMs = answer.status === 429 ? answer.retryAfterSeconds * 1000 : retryMs;
    state.trouble = troubleOf(answer.status);
  }
}

function troubleOf(status: number): Trouble {
  if (status === 0) return 'no_connection';
  return status === 429 ? 'too_many_requests' : 'server_error';
}

function acceptView({ body, sentAt, receivedAt }: Extract<Answer<LinkView>, { ok: true }>): void {
  learnServerTime(body.server_time, sentAt, receivedAt);
  if (state.secret !== null) showAddress(body.id);
  state.secret = null;
  state.linkId = String(body.id);
  acceptLink(state, body);
}

/** A link that has ended takes its sessions along: then what the page already says stays true. */
function refuse(): void {
  const ended =
    state.link !== null && ['expired', 'revoked', 'used_up'].includes(stageOf(state, serverNow()));
  if (ended) return;
  state.trouble = state.secret === null ? 'no_session' : 'unknown_link';
  state.secret = null;
  state.linkId = null;
  state.link = null;
  state.doors.clear();
}

/** Every full second by the server's clock, and exactly when something begins or ends. */
function tick(): void {
  const now = serverNow();
  const { link } = state;
  if (link !== null && now >= Date.parse(link.valid_until)) link.pass = null;
  page.render();
  if (document.visibilityState === 'visible' && isDue(now)) void refresh();
  const coming = [...starts(), Date.parse(link?.valid_until ?? '')].filter((at) => at > now);
  setTimeout(tick, Math.min(1000 - (now % 1000), ...coming.map((at) => at - now)));
}

function isDue(now: number): boolean {
  if (asking || (state.secret === null && state.linkId === null)) return false;
  const waitedMs = Date.now() - askedAt;
  const woken = starts().some((at) => now >= at && now < at + pollMs);
  return waitedMs >= nextAskMs || (waitedMs >= wakeMs && woken);
}

/** When the link or one of its doors should open; in the past, it has, and the server has not told us yet. */
function starts(): number[] {
  const { link } = state;
  const doors = link?.locks.filter((lock) => !lock.unlockable).map((lock) => lock.unlockable_at) ?? [];
  const instants = link?.state === 'not_active' ? [link.valid_from, ...doors] : doors;
  return instants.map((at) => Date.parse(at ?? '')).filter(Number.isFinite);
}
