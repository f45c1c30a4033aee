import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const quiet = [
  'disable-gpu',
  'disable-quic',
  'no-first-run',
  'disable-background-networking',
  'disable-component-update',
  'disable-sync',
];
const fakeCamera = ['use-fake-device-for-media-stream', 'use-fake-ui-for-media-stream'];
const cameraFilm = '--use-file-for-fake-video-capture';
const actionDeadlineMs = 15_000;

/** A visitor's phone: a fresh browser profile with one tab. Disposing of it closes both. */
export interface Phone extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  /** What the browser complained about: blocked by the policy, refused by Trusted Types, failed, thrown. */
  complaints: string[];
}

/**
 * The system's Chromium, without anything of its own that talks to the network. `home`: where its user lives. `camera`: the
 * film (YUV4MPEG2) that its camera sees again and again; the user allows it to whoever asks.
 */
export async function startBrowser({
  home,
  camera,
}: {
  home?: string;
  camera?: string;
} = {}): Promise<Browser> {
  const film =
    camera === undefined ? [] : [...fakeCamera.map((name) => `--${name}`), `${cameraFilm}=${camera}`];
  const args = ['--no-sandbox', ...quiet.map((name) => `--${name}`), ...film];
  const env = home === undefined ? {} : { env: { ...process.env, HOME: home } };
  return chromium.launch({ executablePath: findChromium(), headless: true, args, ...env });
}

/** The home folder of a user whose browser trusts this authority (PEM file), as if they had imported it. */
export function homeThatTrusts(authorityFile: string, home: string): string {
  const store = join(home, '.pki', 'nssdb');
  mkdirSync(store, { recursive: true });
  const certutil = (...args: string[]) => {
    const { status, error, stderr } = spawnSync('certutil', ['-d', `sql:${store}`, ...args]);
    if (error)
      throw new Error(`These tests need certutil (Debian's libnss3-tools) on the PATH: ${error.message}`);
    if (status !== 0) throw new Error(`certutil ${args.join(' ')}: ${stderr}`);
  };
  certutil('-N', '--empty-password');
  certutil('-A', '-n', 'authority', '-t', 'C,,', '-i', authorityFile);
  return home;
}

export async function openPhone(browser: Browser, viewport = { width: 390, height: 844 }): Promise<Phone> {
  const context = await browser.newContext({
    viewport,
    deviceScaleFactor: 2,
    hasTouch: true,
    isMobile: true,
    locale: 'en-GB',
  });
  context.setDefaultTimeout(actionDeadlineMs);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** The page's part for one door. */
export function doorOn(page: Page, lock_id: number) {
  const section = page.locator(`section[data-lock-id="${lock_id}"]`);
  const role = (name: string) => section.locator(`[data-role="${name}"]`);
  return {
    hold: role('hold'),
    confirm: role('confirm'),
    message: role('message'),
    /** Waits until the door is in this phase. */
    phase: (phase: string, timeout = actionDeadlineMs) =>
      section.and(page.locator(`[data-phase="${phase}"]`)).waitFor({ timeout }),
  };
}

/** Waits until the page is about this. */
export async function untilState(page: Page, state: string, timeout = actionDeadlineMs): Promise<void> {
  await page.locator(`main[data-state="${state}"]`).waitFor({ timeout });
}

/** A finger on the element until `until` is there: trusted events, as a hand makes them. */
export async function touch(page: Page, element: Locator, until: () => Promise<unknown>): Promise<void> {
  await element.scrollIntoViewIfNeeded();
  const point = await middleOf(element);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [point] });
  await until();
  await devtools.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await devtools.detach();
}

/** The same with a mouse. */
export async function press(page: Page, element: Locator, until: () => Promise<unknown>): Promise<void> {
  await element.scrollIntoViewIfNeeded();
  const { x, y } = await middleOf(element);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await until();
  await page.mouse.up();
}

export function forMs(ms: number): () => Promise<unknown> {
  return () => pause(ms);
}

async function middleOf(element: Locator): Promise<{ x: number; y: number }> {
  const box = await element.boundingBox();
  if (box === null) throw new Error('the element is not on the screen');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

function findChromium(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  for (const file of names.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not here
    }
  }
  throw new Error(`These tests need one of ${names.join(', ')} on the PATH.`);
}
