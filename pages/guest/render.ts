import { copyOf, part, say, setAttribute, setHidden } from './dom.ts';
import { createDoorView, type DoorView } from './door-view.ts';
import { canEnlarge, renderPass } from './pass-view.ts';
import { abandon, type Door, isLive, isOpening, type Page, type Stage, stageOf } from './state.ts';
import { atWords, countdownWords, foreignZoneName, serverNow, windowWords } from './time.ts';
import * as words from './words.ts';

const doorViews = new Map<Door, DoorView>();
let drawnDoors = '';

/** Brings the page to what the state says. Called after every change and every second: it writes only differences. */
export function render(page: Page): void {
  const { state } = page;
  const stage = stageOf(state, serverNow());
  const opening = [...state.doors.values()].some(isOpening);
  const main = document.querySelector('main');
  if (main === null) return;
  setAttribute(main, 'data-state', stage);
  setAttribute(main, 'aria-busy', stage === 'loading' ? 'true' : null);
  main.toggleAttribute('data-link', state.link !== null);
  renderHeader(page, stage);
  renderStatus(page, stage, opening);
  renderDoors(page, isLive(stage), opening);
  renderPass(isLive(stage) ? state.link : null, stage !== 'active');
  say(main, 'connection', noticeOf(page, isLive(stage)));
}

/** What the visitor should know while the page goes on with what it has. */
function noticeOf({ state: { link, trouble } }: Page, live: boolean): string {
  if (link === null || trouble === null || trouble === 'too_many_requests') return '';
  const [, title, text] = statuses[trouble];
  return `${title}. ${live && link.pass !== null ? words.passMayHelp : text}`;
}

/** The zone in which the page tells the time: the first door's place, or this phone's where no door is left. */
function zoneOf({ state }: Page): string {
  const first = state.link?.locks[0]?.place.time_zone;
  return first ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function renderHeader(page: Page, stage: Stage): void {
  const { link } = page.state;
  say(document, 'recipient', link === null ? words.title : words.cleaned(link.name));
  say(document, 'organization', words.cleaned(link?.organization.name ?? ''));
  setHidden(part(document, 'window'), !isLive(stage));
  if (link === null) return;
  const zone = zoneOf(page);
  const from = link.valid_from === null ? null : Date.parse(link.valid_from);
  const until = Date.parse(link.valid_until);
  say(document, 'window', windowWords(from, until, zone));
  const left = isLive(stage) && link.max_uses !== null ? Math.max(link.max_uses - link.uses, 0) : null;
  say(document, 'uses', left === null ? '' : words.usesLeft(left));
  const farBelow = isLive(stage) && link.pass !== null && link.locks.length > 2;
  setHidden(part(document, 'show'), !farBelow || !canEnlarge());
  const place = link.locks[0]?.place.name ?? '';
  const foreign = isLive(stage) ? foreignZoneName(zone, from === null ? [until] : [from, until]) : null;
  say(document, 'zone', foreign === null ? '' : words.zone(place, foreign));
}

const statuses: Record<Exclude<Stage, 'loading' | 'active'>, [icon: string, title: string, text: string]> = {
  not_active: ['clock', words.notYet, words.notYetText],
  outside_schedule: ['clock', words.outsideSchedule, words.outsideScheduleText],
  expired: ['clock', words.expired, words.expiredText],
  suspended: ['pause', words.suspended, words.suspendedText],
  revoked: ['ended', words.revoked, words.revokedText],
  used_up: ['open', words.usedUp, words.usedUpText],
  unknown_link: ['link', words.unknownLink, words.unknownLinkText],
  no_session: ['link', words.noSession, words.noSessionText],
  no_connection: ['signal', words.noConnection, words.noConnectionText],
  server_error: ['signal', words.serverError, words.serverErrorText],
  too_many_requests: ['clock', words.busy, words.busyText],
};

function renderStatus(page: Page, stage: Stage, opening: boolean): void {
  const section = part(document, 'status');
  const quiet = stage === 'loading' || stage === 'active' || (opening && !isLive(stage));
  const [icon, title, text] = quiet ? ['', '', ''] : statuses[stage];
  section.toggleAttribute('data-shown', !quiet);
  if (icon !== '') setAttribute(part(section, 'status-icon'), 'href', `#${icon}`);
  say(section, 'status-title', title);
  say(section, 'status-text', quiet ? '' : statusText(page, stage, text));
  const opensAt = isLive(stage) && stage !== 'active' ? nextOpening(page, stage) : null;
  say(section, 'countdown', opensAt === null ? '' : countdownWords(opensAt - serverNow()));
  say(section, 'retry', words.retry);
  setHidden(part(section, 'retry'), stage !== 'no_connection' && stage !== 'server_error');
}

function statusText(page: Page, stage: Stage, text: string): string {
  const zone = zoneOf(page);
  const opensAt = nextOpening(page, stage);
  if (stage === 'not_active' && opensAt !== null) return `${words.startsAt(atWords(opensAt, zone))} ${text}`;
  if (stage === 'outside_schedule' && opensAt !== null) return words.opensAgain(atWords(opensAt, zone));
  const until = page.state.link?.valid_until;
  if (stage === 'expired' && until !== undefined)
    return `${words.endedAt(atWords(Date.parse(until), zone))} ${text}`;
  return text;
}

/** When the first of the doors can be opened: never before the link starts, and by its schedule if that is later. */
function nextOpening({ state }: Page, stage: Stage): number | null {
  const openings = (state.link?.locks ?? [])
    .flatMap(({ unlockable_at }) => unlockable_at ?? [])
    .map(Date.parse);
  const first = openings.length === 0 ? null : Math.min(...openings);
  if (stage !== 'not_active') return first;
  return Math.max(first ?? 0, Date.parse(state.link?.valid_from ?? '') || 0) || null;
}

function renderDoors(page: Page, live: boolean, opening: boolean): void {
  const doors = [...page.state.doors.values()].filter((door) => (live ? true : opening && isOpening(door)));
  for (const door of page.state.doors.values()) {
    const lost = !doors.includes(door) || !door.lock.unlockable;
    if (lost && (door.phase === 'holding' || door.phase === 'confirming')) abandon(door, '');
  }
  const drawn = doors.map(({ lock }) => `${lock.id} ${lock.place.id} ${lock.place.name}`).join('\n');
  if (drawn !== drawnDoors) placeDoors(page, doors);
  drawnDoors = drawn;
  for (const door of doors) doorViews.get(door)?.render();
}

/** Lays the doors out by place, in the server's order. Doors that stay keep their elements, and what goes on there. */
function placeDoors(page: Page, doors: Door[]): void {
  const places = new Map<number, HTMLElement>();
  const kept = new Map(doors.map((door) => [door, doorViews.get(door) ?? createDoorView(page, door)]));
  doorViews.clear();
  for (const [door, view] of kept) {
    doorViews.set(door, view);
    const place = places.get(door.lock.place.id) ?? newPlace(door.lock.place.name);
    places.set(door.lock.place.id, place);
    place.append(view.element);
  }
  part(document, 'doors').replaceChildren(...places.values());
}

function newPlace(name: string): HTMLElement {
  const place = copyOf('place-template');
  const title = place.querySelector('bdi');
  if (title !== null) title.textContent = words.cleaned(name);
  return place;
}
