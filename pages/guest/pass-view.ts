import type { LinkView } from './api.ts';
import { part, say, setHidden } from './dom.ts';
import { drawPass } from './qr.ts';
import * as words from './words.ts';

let drawn: string | null = null;
let wakeLock: { release(): Promise<void> } | null = null;

/** Shows the pass of the link, or takes it away at once. `waiting`: the doors do not open yet. */
export function renderPass(link: LinkView | null, waiting: boolean): void {
  const pass = link?.pass ?? null;
  if (link !== null && pass !== null) {
    say(document, 'pass-title', words.passTitle);
    const note = link.link_enabled ? words.passNote : words.passOnly;
    say(document, 'pass-note', waiting ? words.passLater : note);
  }
  if (pass === drawn) return;
  drawn = pass;
  closeFull();
  const svg = pass === null ? null : drawPass(pass);
  svg?.setAttribute('data-role', 'qr');
  const enlarge = part(document, 'enlarge');
  enlarge.replaceChildren(...(svg === null ? [] : [svg]));
  enlarge.setAttribute('aria-label', words.passEnlarge);
  say(document, 'show', words.passShow);
  setHidden(part(document, 'pass'), svg === null);
  document.querySelector('main')?.toggleAttribute('data-pass', svg !== null);
}

/** The code alone on a white screen that stays awake, for readers that are hard of seeing. */
export function listenForFull(): void {
  const dialog = full();
  if (dialog === null) return;
  const show = () => {
    const copy = document.querySelector('[data-role="qr"]')?.cloneNode(true);
    if (!(copy instanceof SVGElement)) return;
    copy.setAttribute('data-role', 'qr-full');
    copy.setAttribute('role', 'img');
    copy.setAttribute('aria-label', words.passLabel);
    part(dialog, 'full-code').replaceChildren(copy);
    say(dialog, 'full-note', words.fullNote);
    say(dialog, 'full-close', words.close);
    dialog.showModal();
    void stayAwake();
  };
  part(document, 'enlarge').addEventListener('click', show);
  part(document, 'show').addEventListener('click', show);
  dialog.addEventListener('click', closeFull);
  dialog.addEventListener('close', () => {
    part(dialog, 'full-code').replaceChildren();
    wakeLock?.release().catch(() => {});
    wakeLock = null;
  });
}

function closeFull(): void {
  const dialog = full();
  if (dialog?.open) dialog.close();
}

/** Firefox before 98 knows no dialog: there the code stays in its place. */
export function canEnlarge(): boolean {
  return full() !== null;
}

function full(): HTMLDialogElement | null {
  const dialog = part(document, 'full');
  return typeof HTMLDialogElement !== 'undefined' && dialog instanceof HTMLDialogElement ? dialog : null;
}

async function stayAwake(): Promise<void> {
  wakeLock = (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null;
}
