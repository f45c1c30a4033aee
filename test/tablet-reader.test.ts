import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openPhone, type Phone, startBrowser } from './browser.ts';
import { heldUp, pictureOf, writeFilm } from './film.ts';
import { fromOurPage } from './tablet.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const transferredBytesMax = 60_000;
const tabletSize = { width: 1024, height: 768 };

let server: TestServer;
let browser: Browser;
let group_id: number;
let door: { id: number; name: string };
let link: { id: number };
const phones: Phone[] = [];

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, path, { secret: server.api_key, ...(body === undefined ? {} : { body }) });
const part = (page: Page, role: string) => page.locator(`[data-role="${role}"]`);
const view = (page: Page, name: string) => page.locator(`main[data-view="${name}"]`).waitFor();

before(async () => {
  server = await startTestServer();
  const place = await server.create('place', { name: 'Harbour House', address: 'Gate Lane' });
  group_id = (await server.create('group', { name: 'Visitors' })).id;
  door = await server.create('lock', { name: 'Front door', place_id: place.id });
  await server.create('group_lock', { group_id, lock_id: door.id });
  await server.connectAgent([door]);
  const made = await server.create('group_link', { name: 'Robin Guest', group_id });
  link = made;
  const code = pictureOf(Buffer.from(made.quick_response_code_image, 'base64'));
  const film = join(server.folder, 'film.y4m');
  writeFilm(film, [heldUp(code, { width: 1280, height: 720, side: 400 })]);
  browser = await startBrowser({ camera: film });
});
afterEach(async () => {
  for (const phone of phones.splice(0)) await phone[Symbol.asyncDispose]();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

function pulses(): number {
  try {
    return readFileSync(join(server.folder, 'agent-1', 'pulses.log'), 'utf8').split('\n').length - 1;
  } catch {
    return 0; // none yet
  }
}

async function unlocks() {
  const { body } = await call('GET', `/events?event_type=lock.unlock&event_actor_id=${link.id}&limit=100`);
  return body;
}

/** A tablet that notes down what it plays, on the page that the reader's address leads to. */
async function enrolledTablet(name = 'Lobby tablet'): Promise<Phone & { reader_id: number }> {
  const { id, enrollment_code } = await server.create('reader', { name, lock_id: door.id });
  const phone = await openPhone(browser, tabletSize);
  phones.push(phone);
  await phone.page.addInitScript(`
    window.played = [];
    const Oscillator = window.OscillatorNode;
    window.OscillatorNode = class extends Oscillator {
      constructor(audio, options) { super(audio, options); window.played.push(options.frequency); }
    };`);
  await phone.page.goto(`${server.url}/reader#${enrollment_code}`);
  await view(phone.page, 'ready');
  return { ...phone, reader_id: id, [Symbol.asyncDispose]: phone[Symbol.asyncDispose] };
}

const played = (page: Page) => page.evaluate('window.played') as Promise<number[]>; // as above

describe('the page of a tablet', { timeout: 180_000 }, () => {
  it('is small, and asks for nothing but itself', async () => {
    const phone = await openPhone(browser, tabletSize);
    phones.push(phone);
    const paths: string[] = [];
    phone.page.on('request', (request) => paths.push(new URL(request.url()).pathname));
    await phone.page.goto(`${server.url}/reader`);
    await view(phone.page, 'code');
    assert.match(
      paths.join(' '),
      /^\/reader \/page\/assets\/reader\.\w+\.css \/page\/assets\/reader\.\w+\.js$/,
    );
    let bytes = 0;
    for (const path of paths) {
      const answer = await fetch(server.url + path, { headers: { 'accept-encoding': 'gzip' } });
      assert.equal(answer.headers.get('content-encoding'), 'gzip', path);
      bytes += Number(answer.headers.get('content-length'));
    }
    assert.ok(bytes > 5_000 && bytes <= transferredBytesMax, `${bytes} bytes`);
    assert.deepEqual(phone.complaints, []);
  });

  it('enrolls by its address, keeps nothing of the code, and a key that cannot be taken out', async () => {
    const { page, complaints, reader_id } = await enrolledTablet();
    assert.equal(page.url(), `${server.url}/reader`);
    assert.equal(await page.evaluate('history.length <= 2'), true);
    assert.equal(await part(page, 'door').textContent(), 'Front door');
    assert.equal(await part(page, 'place').textContent(), 'Harbour House');
    const kept = await page.evaluate(`new Promise((resolve) => {
      const opening = indexedDB.open('postern-reader');
      opening.onsuccess = () => {
        const asked = opening.result.transaction('enrollment').objectStore('enrollment').get('this');
        asked.onsuccess = async () => {
          const { key, tablet } = asked.result;
          const taken = await crypto.subtle.exportKey('pkcs8', key).then(() => 'taken', (error) => error.name);
          resolve([tablet.reader_id, key.extractable, key.usages.join(), taken]);
        };
      };
    })`);
    assert.deepEqual(kept, [reader_id, false, 'sign', 'InvalidAccessError']);
    assert.deepEqual(complaints, []);
  });

  it('takes a code that is typed as people type, and says what is wrong with another', async () => {
    const { enrollment_code } = await server.create('reader', { name: 'Typed', lock_id: door.id });
    const phone = await openPhone(browser, tabletSize);
    phones.push(phone);
    const { page } = phone;
    await page.goto(`${server.url}/reader`);
    await part(page, 'code').fill('AAAA-BBBB-CCCC-DDDD');
    await part(page, 'enroll').click();
    await page.getByRole('alert').filter({ hasText: 'was used, has ended or is not right' }).waitFor();
    const typed = enrollment_code
      .toLowerCase()
      .replaceAll('-', ' ')
      .replaceAll('0', 'o')
      .replaceAll('1', 'l');
    await part(page, 'code').fill(typed);
    await part(page, 'enroll').click();
    await view(page, 'ready');
  });

  it('shows green, sounds upwards and moves the lock, once for as long as the code is held up', async () => {
    const { page, complaints } = await enrolledTablet('Lobby left');
    const before = { pulses: pulses(), events: (await unlocks()).length };
    await part(page, 'start').click();
    await view(page, 'granted');
    assert.match(
      (await part(page, 'result').textContent()) ?? '',
      /Welcome\s*\u2068?Front door\u2069? is open/,
    );
    assert.equal(await part(page, 'result').getAttribute('role'), 'alert');
    assert.equal(await part(page, 'result-icon').getAttribute('href'), '#tick');
    const [first = 0, second = 0] = await played(page);
    assert.ok(first > 0 && second > first, `${first} Hz, then ${second} Hz`);
    assert.equal(pulses(), before.pulses + 1);
    const [event] = await unlocks();
    assert.deepEqual([event.success, event.actor_name, event.object_id], [true, 'Robin Guest', door.id]);
    const { method, reader, outcome } = event.details;
    assert.deepEqual([method, reader, outcome], ['qr', 'Lobby left', 'done']);
    await view(page, 'scanning');
    await part(page, 'hint').filter({ hasText: 'Take it away' }).waitFor();
    assert.equal(pulses(), before.pulses + 1);
    assert.equal((await unlocks()).length, before.events + 1);
    assert.ok(Number(await part(page, 'video').getAttribute('data-decode-ms')) > 0);
    assert.deepEqual(complaints, []);
  });

  it('sends what is worth nothing to whoever captures it', async () => {
    const { page } = await enrolledTablet();
    const captured = page.waitForRequest((request) => request.url().endsWith('/reader/presentations'));
    await part(page, 'start').click();
    const body = (await captured).postDataJSON();
    await view(page, 'granted');
    const before = pulses();
    const again = await server.call('POST', '/reader/presentations', { body, headers: fromOurPage });
    assert.deepEqual([again.status, again.body.reason], [409, 'presentation_over']);
    assert.equal(pulses(), before);
  });

  it('says so when the line is gone, opens nothing, and goes on by itself when it is back', async () => {
    const { page, context } = await enrolledTablet();
    await part(page, 'start').click();
    await view(page, 'granted');
    await view(page, 'scanning');
    await context.setOffline(true);
    await page.locator('main[data-lost]').waitFor();
    assert.equal(await part(page, 'panel-title').textContent(), 'No connection');
    assert.match(
      (await part(page, 'panel-text').textContent()) ?? '',
      /must ask the server and cannot reach it/,
    );
    await context.setOffline(false);
    await page.locator('main:not([data-lost])').waitFor();
    assert.equal(await part(page, 'line').textContent(), 'Connected');
  });

  it('is red and sounds downwards for what is shown while the line is gone', async () => {
    const { page, context } = await enrolledTablet();
    await context.setOffline(true);
    await part(page, 'line').filter({ hasText: 'No connection' }).waitFor();
    const before = pulses();
    await part(page, 'start').click();
    await view(page, 'denied');
    assert.match((await part(page, 'result').textContent()) ?? '', /No entry\s*No connection/);
    const [first = 0, second = 0] = await played(page);
    assert.ok(second > 0 && second < first, `${first} Hz, then ${second} Hz`);
    assert.equal(pulses(), before);
  });

  it('says that it is not enrolled any more, and can be enrolled again', async () => {
    const { page, reader_id, context } = await enrolledTablet();
    await part(page, 'start').click();
    await view(page, 'granted');
    await call('DELETE', `/readers/${reader_id}`);
    await context.setOffline(true); // so that it asks at once when it is back
    await context.setOffline(false);
    await view(page, 'removed');
    assert.equal(await part(page, 'panel-title').textContent(), 'This tablet is not enrolled any more');
    const { enrollment_code } = await server.create('reader', { name: 'Anew', lock_id: door.id });
    await page.goto('about:blank');
    await page.goto(`${server.url}/reader#${enrollment_code}`);
    await view(page, 'granted');
  });

  it('shows red and says why for a link that was revoked, also after it was loaded again', async () => {
    const { page } = await enrolledTablet();
    await part(page, 'start').click();
    await view(page, 'granted');
    await call('DELETE', `/group_links/${link.id}`); // the last test that uses it
    const before = pulses();
    await page.reload();
    await view(page, 'denied'); // by itself: it was started before, and the camera is allowed
    const said = (await part(page, 'result').textContent()) ?? '';
    assert.match(said, /No entry\s*This code is no longer valid\./);
    assert.equal(await part(page, 'result-icon').getAttribute('href'), '#cross');
    assert.equal((await unlocks())[0].details.reason, 'credential_revoked');
    assert.equal(pulses(), before);
    await view(page, 'scanning');
    await part(page, 'sound').filter({ hasText: 'Tap the screen once' }).waitFor();
    await page.mouse.click(10, 10);
    await part(page, 'sound').filter({ hasText: /^$/ }).waitFor({ state: 'hidden' });
  });
});
