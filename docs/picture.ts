import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

/*
 * Takes the README's picture again: the visitor's page of a running demo on a phone, beside its QR code. Needs the
 * system's Chromium.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const target = fileURLToPath(new URL('./pictures/visitor.png', import.meta.url));
const data = mkdtempSync(join(tmpdir(), 'postern-picture-'));

execFileSync('node', ['pages/build.ts'], { cwd: root });
const demo = spawn('node', ['postern.ts', 'demo', '--json'], {
  cwd: root,
  env: { ...process.env, POSTERN_DATA: data, POSTERN_PORT: '0', TZ: 'Europe/London' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const [line] = await createInterface({ input: demo.stdout })
    [Symbol.asyncIterator]()
    .next()
    .then(({ value }) => [String(value)]);
  const { link } = JSON.parse(line ?? '');
  const phone = await browser.newPage({
    viewport: { width: 390, height: 760 },
    deviceScaleFactor: 2,
    locale: 'en-GB',
  });
  await phone.goto(link.url);
  await phone.waitForSelector('main[data-state=active]');
  const page = await phone.screenshot();
  const table = await browser.newPage({ viewport: { width: 820, height: 800 } });
  await table.setContent(sheet(page.toString('base64'), readFileSync(link.qr_png).toString('base64')));
  await table.screenshot({ path: target });
} finally {
  await browser.close();
  demo.kill();
  rmSync(data, { recursive: true, force: true });
}

function sheet(page: string, code: string): string {
  const frame = 'border-radius:28px;box-shadow:0 2px 24px #0003;background:#fff';
  return `<body style="margin:0;height:100vh;display:flex;gap:48px;align-items:center;justify-content:center;background:#dfe3e6">
    <img style="height:740px;${frame}" src="data:image/png;base64,${page}">
    <img style="width:320px;padding:12px;${frame}" src="data:image/png;base64,${code}"></body>`;
}
