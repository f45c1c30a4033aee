/** What a button that is held reports. Every report comes from a person's own event, never from a script's. */
export interface HoldReport {
  /** A press began. */
  begin(): void;
  /** It ended too early: let go. */
  release(): void;
  /** It ended too early: a key was only tapped. */
  tap(): void;
  /** An activation by a screen reader or a switch, which cannot hold. */
  activate(): void;
}

const tapMsMax = 400;
const strayPxMax = 64;

/** Listens to pointer, keyboard and assistive activation of `button`, one press at a time. */
export function listenForHold(button: HTMLElement, report: HoldReport): void {
  let pressed: number | string | null = null; // a pointer's id, or a key's code
  let pressedAt = 0;

  const begin = (what: number | string) => {
    pressed = what;
    pressedAt = performance.now();
    report.begin();
  };
  const release = () => {
    if (pressed === null) return;
    pressed = null;
    report.release();
  };

  button.addEventListener('pointerdown', (event) => {
    if (!event.isTrusted || !event.isPrimary || event.button !== 0 || event.ctrlKey || pressed !== null)
      return;
    // Captured, so that a finger which slides a little keeps holding.
    button.setPointerCapture(event.pointerId);
    begin(event.pointerId);
  });
  button.addEventListener('pointermove', (event) => {
    if (event.pointerId === pressed && strays(button.getBoundingClientRect(), event)) release();
  });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'] as const) {
    button.addEventListener(end, (event) => {
      if (event.pointerId === pressed) release();
    });
  }

  button.addEventListener('keydown', (event) => {
    if (!isPressKey(event)) return;
    event.preventDefault(); // a held key would otherwise click
    if (event.isTrusted && !event.repeat && pressed === null) begin(event.code);
  });
  button.addEventListener('keyup', (event) => {
    if (!isPressKey(event)) return;
    event.preventDefault();
    if (!event.isTrusted || event.code !== pressed) return;
    const tapped = performance.now() - pressedAt < tapMsMax;
    pressed = null;
    if (tapped) report.tap();
    else report.release();
  });

  // What people click arrives with a count; what assistive technology activates arrives without.
  button.addEventListener('click', (event) => {
    if (event.isTrusted && event.detail === 0) report.activate();
  });
  button.addEventListener('contextmenu', (event) => event.preventDefault());
  button.addEventListener('blur', release);
  window.addEventListener('blur', release);
  document.addEventListener('visibilitychange', release);
}

function isPressKey(event: KeyboardEvent): boolean {
  return (event.key === 'Enter' || event.key === ' ') && !event.ctrlKey && !event.altKey && !event.metaKey;
}

function strays(box: DOMRect, { clientX, clientY }: PointerEvent): boolean {
  const outside = Math.max(box.left - clientX, clientX - box.right, box.top - clientY, clientY - box.bottom);
  return outside > strayPxMax;
}
