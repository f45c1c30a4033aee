import type { DenialReason } from '../../domain/decide.ts';
import { copyOf, part, say, setAttribute, setHidden } from './dom.ts';
import { askToConfirm, beginHold, confirm, dismiss, holdMs, releaseHold, remark } from './doors.ts';
import { listenForHold } from './hold.ts';
import type { Door, Page } from './state.ts';
import { isOpening } from './state.ts';
import { atWords } from './time.ts';
import * as words from './words.ts';

export interface DoorView {
  element: HTMLElement;
  render(): void;
}

type Phase = Door['phase'] | 'unavailable';

/** One door on the page: its name, its button, its confirmation and what it has to say. */
export function createDoorView(page: Page, door: Door): DoorView {
  const element = copyOf('door-template');
  const hold = part(element, 'hold');
  const sure = part(element, 'confirm');
  element.dataset['lockId'] = String(door.lock.id);
  element.style.setProperty('--hold-ms', `${holdMs}ms`);

  listenForHold(hold, {
    begin: () => beginHold(page, door),
    release: () => releaseHold(page, door),
    tap: () => askToConfirm(page, door),
    activate: () => askToConfirm(page, door),
  });
  sure.addEventListener('keydown', (event) => {
    if (event.repeat) event.preventDefault(); // a key that rests here is no second decision
  });
  sure.addEventListener('click', (event) => {
    if (event.isTrusted && event.detail === 0) void confirm(page, door);
    else if (event.isTrusted) remark(page, door, words.confirmByHolding);
  });
  const close = () => dismiss(page, door);
  part(element, 'dismiss').addEventListener('click', close);
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
  });

  return { element, render: () => renderDoor(page, door, element) };
}

function renderDoor(page: Page, door: Door, element: HTMLElement): void {
  const phase = phaseOf(door);
  const hold = part(element, 'hold');
  const confirmation = part(element, 'confirmation');
  const buttons = page.state.link?.link_enabled !== false || isOpening(door);
  const unavailable = phase === 'unavailable';

  say(element, 'door-name', words.cleaned(door.lock.name));
  say(element, 'label', labelOf(door, phase));
  say(element, 'label-name', words.cleaned(door.lock.name));
  setAttribute(part(element, 'icon'), 'href', phase === 'open' ? '#open' : '#lock');
  setHidden(hold, !buttons);
  if (hold instanceof HTMLButtonElement && hold.disabled !== unavailable) hold.disabled = unavailable;
  setAttribute(hold, 'aria-disabled', isOpening(door) ? 'true' : null);
  element.style.setProperty('--open-ms', `${door.openMs}ms`);

  say(element, 'confirm', words.confirm(door.lock.name));
  say(element, 'dismiss', words.dismiss);
  setAttribute(confirmation, 'aria-label', words.question(door.lock.name));
  say(element, 'message', buttons ? messageOf(page, door, phase) : '');
  element.toggleAttribute('data-counting', phase === 'holding' && door.counting);
  setAttribute(element, 'data-phase', phase);
  moveFocus(confirmation, phase === 'confirming', hold, part(element, 'confirm'));
}

/** The door that cannot be opened now says so, unless something is still going on there. */
function phaseOf(door: Door): Phase {
  return door.lock.unlockable || isOpening(door) ? door.phase : 'unavailable';
}

function labelOf(door: Door, phase: Phase): string {
  return {
    unavailable: unavailableWords(door.lock.reason),
    ready: words.holdToOpen,
    holding: words.keepHolding,
    confirming: words.holdToOpen,
    opening: words.opening,
    open: words.open,
    failed: words.holdAgain,
  }[phase];
}

function unavailableWords(reason: DenialReason | null): string {
  if (reason === 'outside_schedule') return words.closed;
  return reason === 'credential_not_active' ? words.notYet : words.unavailable;
}

function messageOf(page: Page, door: Door, phase: Phase): string {
  if (phase !== 'unavailable') return door.message;
  const { reason, unlockable_at, place, online } = door.lock;
  const link = page.state.link;
  if (reason === 'credential_not_active' && link?.state === 'not_active') return ''; // the page says it above
  if (reason === 'outside_schedule' && unlockable_at !== null) {
    return words.opensAgain(atWords(Date.parse(unlockable_at), place.time_zone));
  }
  if (reason !== null) return words.denials[reason] ?? words.stayedShut;
  return online ? words.stayedShut : words.denials.door_unreachable;
}

/** Focus goes to the question when it appears, and back to the button when it goes. */
function moveFocus(confirmation: HTMLElement, shown: boolean, hold: HTMLElement, sure: HTMLElement): void {
  if (confirmation.hidden !== shown) return;
  const inside = confirmation.contains(document.activeElement);
  if (inside) hold.focus();
  setHidden(confirmation, !shown);
  if (shown) sure.focus();
}
