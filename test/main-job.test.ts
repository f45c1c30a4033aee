import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { present } from '../agent/present.ts';
import { agentFolder } from '../server/demo.ts';
import { doorOn, forMs, openPhone, press, startBrowser, touch, untilState } from './browser.ts';
import {
  type CreatedLink,
  freshFolder,
  type RunningDemo,
  readQrCode,
  runPostern,
  startDemo,
  startPostern,
} from './demo-process.ts';
import { type Call, fetchAnswer } from './test-server.ts';

/** The page asks the server every 30 s; one more round trip, on a slow machine. */
const pollDeadlineMs = 36_000;

describe('the main job, from the printed link to the open door', { concurrency: 3, timeout: 150_000 }, () => {
  const folder = freshFolder();
  let demo: RunningDemo;
  let browser: Browser;

  before(async () => {
    [demo, browser] = await Promise.all([startDemo(join(folder.path, 'data')), startBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await demo?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const scan = (what: string, door = 1) =>
    runPostern(['scan', what, '--door', String(door)], { POSTERN_DATA: demo.dataFolder });
  /** What the reader at the front door answers: the same as `scan`, without a process of its own. */
  const show = async (input: string) => {
    const lines: string[] = [];
    const say = (line: string) => lines.push(line);
    await present({ input, door_id: 1, folder: agentFolder(demo.dataFolder), out: say, err: say });
    return lines.join('\n');
  };
  const pulsesOf = (uuid: string | undefined) =>
    demo.pulses().filter(({ command_id }) => command_id === uuid);

  // These two wait for the page's own next question, and take two of the three places meanwhile.
  it('says that the host has paused the link, without a reload, and goes on when it is resumed', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const link = await demo.createLink();
    await page.goto(link.url);
    await untilState(page, 'active');
    await demo.call('PATCH', `/group_links/${link.id}`, { body: { group_link: { suspended: true } } });
    // At a reader a code is good or not: why it was taken back is for the page to say.
    assert.match(await show(link.quick_response_code_token), /^denied: credential_revoked\./);
    await untilState(page, 'suspended', pollDeadlineMs);
    assert.match((await page.locator('[data-role="status"]').textContent()) ?? '', /paused/);
    await assertNothingToUse(page);
    await demo.call('PATCH', `/group_links/${link.id}`, { body: { group_link: { suspended: false } } });
    // The phone was out of reach and comes back: the page asks at once.
    await phone.context.setOffline(true);
    await phone.context.setOffline(false);
    await untilState(page, 'active');
    const fresh = await readQrCode(await screenshotOfCode(page, folder.path));
    assert.notEqual(fresh, link.quick_response_code_token);
    assert.match(
      await show(link.quick_response_code_token),
      /^denied: credential_revoked\./,
      'the code from before',
    );
    assert.match(await show(fresh), /^granted/);
    const door = doorOn(page, 2);
    await touch(page, door.hold, () => door.phase('open'));
    assert.deepEqual(phone.complaints, []);
  });

  it('says that the host has ended the link, without a reload, takes the QR code away and opens nothing', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const link = await demo.createLink();
    await page.goto(link.url);
    await untilState(page, 'active');
    assert.equal((await demo.call('DELETE', `/group_links/${link.id}`)).status, 204);
    const scanned = await scan(link.quick_response_code_token);
    assert.equal(scanned.code, 1);
    assert.match(scanned.stdout, /^denied: credential_revoked\./);
    await untilState(page, 'revoked', pollDeadlineMs);
    assert.match((await page.locator('[data-role="status"]').textContent()) ?? '', /ended by the host/);
    await assertNothingToUse(page);
    assert.deepEqual(
      (await demo.unlocksBy(link, 1)).map(({ success }) => success),
      [false],
    );
    assert.deepEqual(phone.complaints, []);
  });

  it('opens the door that is held down, once, and writes down who did it', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const { link } = demo.demo;
    await page.goto(link.url);
    await untilState(page, 'active');
    assert.equal(page.url(), `${demo.demo.url}/l/${link.id}`, 'the secret has left the address bar');
    const door = doorOn(page, 1);
    await touch(page, door.hold, () => door.message.filter({ hasText: /Front door.* is open/ }).waitFor());
    const events = await demo.unlocksBy(link);
    assert.equal(events.length, 1);
    const [event] = events;
    assert.partialDeepStrictEqual(event, { success: true, actor_name: 'Robin Guest', object_id: 1 });
    assert.partialDeepStrictEqual(event?.details, { method: 'web', reason: null, outcome: 'done' });
    assert.deepEqual(
      pulsesOf(event?.uuid).map(({ door_id }) => door_id),
      [1],
    );
    assert.deepEqual(phone.complaints, []);
  });

  it('opens with a mouse as well, and with the session after a reload', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const link = await demo.createLink({ name: 'Kim Mouse' });
    await page.goto(link.url);
    await untilState(page, 'active');
    await page.reload();
    await untilState(page, 'active');
    const door = doorOn(page, 2);
    await press(page, door.hold, () => door.phase('open'));
    const [event] = await demo.unlocksBy(link);
    assert.partialDeepStrictEqual(event, { success: true, actor_name: 'Kim Mouse', object_id: 2 });
    assert.deepEqual(phone.complaints, []);
  });

  it('opens nothing after a press that was too short, however often', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const link = await demo.createLink();
    await page.goto(link.url);
    await untilState(page, 'active');
    const door = doorOn(page, 1);
    await touch(page, door.hold, forMs(30));
    await door.phase('ready');
    assert.match((await door.message.textContent()) ?? '', /Keep holding/);
    for (const ms of [1, 250, 450]) await press(page, door.hold, forMs(ms));
    await door.phase('ready');
    await forMs(1_000)(); // whatever such a press might have set going has happened by then
    assert.deepEqual(await demo.unlocksBy(link), []);
    await touch(page, door.hold, () => door.phase('open'));
    assert.equal((await demo.unlocksBy(link)).length, 1);
    assert.deepEqual(phone.complaints, []);
  });

  it('opens by two activations of the keyboard, of which the second must not come at once', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const link = await demo.createLink();
    await page.goto(link.url);
    await untilState(page, 'active');
    const door = doorOn(page, 1);
    await tap(page, door.hold, () => door.phase('confirming', 2_000));
    assert.match(
      (await door.confirm.textContent()) ?? '',
      /Open .*Front door/,
      'the question names the door',
    );
    await page.keyboard.press('Enter');
    await door.message.filter({ hasText: 'One moment' }).waitFor();
    assert.deepEqual(await demo.unlocksBy(link), []);
    await forMs(800)();
    await page.keyboard.press('Enter');
    await door.phase('open');
    const events = await demo.unlocksBy(link);
    assert.deepEqual(
      events.map(({ success, details }) => [success, details.method]),
      [[true, 'web']],
    );
    assert.deepEqual(phone.complaints, []);
  });

  it('shows the same QR code on the page, in the picture and in the answer, and readers take it', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const { link } = demo.demo;
    assert.equal(await readQrCode(link.qr_png), link.pass);
    await page.goto(link.url);
    await untilState(page, 'active');
    assert.equal(await readQrCode(await screenshotOfCode(page, folder.path)), link.pass);
    const scanned = await scan(link.qr_png, 2);
    assert.deepEqual([scanned.code, scanned.stderr], [0, '']);
    assert.match(scanned.stdout, /^granted: Meeting room opens\n$/);
    const granted = (await demo.unlocksBy(link)).filter(({ details }) => details.method === 'qr');
    assert.deepEqual(
      granted.map(({ success, object_id }) => [success, object_id]),
      [[true, 2]],
    );
    assert.equal(pulsesOf(granted[0]?.uuid).length, 1);
    assert.deepEqual(phone.complaints, []);
  });

  it('refuses at the reader a text with one character changed, and a door outside the group', async () => {
    const pass = (await demo.createLink()).quick_response_code_token;
    const changed = `${pass.slice(0, 40)}${pass[40] === 'A' ? 'B' : 'A'}${pass.slice(41)}`;
    const refused = await scan(changed);
    assert.deepEqual([refused.code, refused.stderr], [1, '']);
    assert.match(refused.stdout, /^denied: credential_unknown\./);

    const group = (await demo.call('POST', '/groups', { body: { group: { name: 'Front only' } } })).body;
    await demo.call('POST', '/group_locks', { body: { group_lock: { group_id: group.id, lock_id: 1 } } });
    const link = await demo.createLink({ group_id: group.id });
    const elsewhere = await scan(link.quick_response_code_token, 2);
    assert.equal(elsewhere.code, 1);
    assert.match(elsewhere.stdout, /^denied: door_not_included\./);
    assert.match(await show(link.quick_response_code_token), /^granted/);
    const events = await demo.unlocksBy(link, 2);
    assert.deepEqual(
      events.map(({ success, object_id }) => [success, object_id]),
      [
        [true, 1],
        [false, 2],
      ],
    );
  });

  it('refuses a press on a page that does not know yet that its link was ended, and says why', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const link = await demo.createLink();
    await page.goto(link.url);
    await untilState(page, 'active');
    await demo.call('DELETE', `/group_links/${link.id}`);
    await press(page, doorOn(page, 1).hold, () => untilState(page, 'revoked'));
    await assertNothingToUse(page);
    assert.deepEqual(
      (await demo.unlocksBy(link)).map(({ success }) => success),
      [false],
    );
    assert.deepEqual(
      phone.complaints.filter((text) => !/status of 403/.test(text)),
      [],
    );
  });

  it('wakes up by itself when the link begins', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const valid_from = inMs(10_000);
    const link = await demo.createLink({ valid_from });
    await page.goto(link.url);
    await untilState(page, 'not_active');
    assert.match((await page.locator('[data-role="status"]').textContent()) ?? '', /Your access starts/);
    assert.match(await show(link.quick_response_code_token), /^denied: credential_not_active\./);
    await untilState(page, 'active', 20_000);
    assert.ok(new Date().toISOString() >= valid_from, 'not before its time');
    const door = doorOn(page, 1);
    await touch(page, door.hold, () => door.phase('open'));
    assert.deepEqual(phone.complaints, []);
  });

  it('ends with the link while it is being looked at', async () => {
    await using phone = await openPhone(browser);
    const { page } = phone;
    const valid_until = inMs(10_000);
    const link = await demo.createLink({ valid_until });
    await page.goto(link.url);
    await untilState(page, 'active');
    const door = doorOn(page, 1);
    await touch(page, door.hold, () => door.phase('open'));
    await untilState(page, 'expired', 20_000);
    assert.ok(new Date().toISOString() >= valid_until, 'not before its time');
    assert.equal(await page.locator('[data-role="qr"]').count(), 0);
    assert.match(await show(link.quick_response_code_token), /^denied: credential_expired\./);
    assert.deepEqual(phone.complaints, []);
  });
});

describe('a door whose agent is away', { timeout: 60_000 }, () => {
  it('is there on the page, and the page says plainly that it cannot be reached', async (t) => {
    const folder = freshFolder();
    t.after(() => folder[Symbol.dispose]());
    const keyFile = join(folder.path, 'secret.key');
    writeFileSync(keyFile, Buffer.alloc(32, 7).toString('base64'));
    const settings = {
      POSTERN_DATA: join(folder.path, 'data'),
      POSTERN_PORT: '0',
      POSTERN_SECRET_KEY_FILE: keyFile,
    };
    const { api_key } = JSON.parse((await runPostern(['setup', '--json'], settings)).stdout);
    await using server = startPostern(['serve'], settings);
    const url = (await server.firstLine()).replace('Postern listens at ', '');
    const call = (method: string, path: string, more: Call = {}) =>
      fetchAnswer(url, { method, path, secret: api_key, ...more });
    const { link, lock } = await buildOneDoor(call);

    const browser = await startBrowser();
    t.after(() => browser.close());
    await using phone = await openPhone(browser);
    await phone.page.goto(link.url);
    const door = doorOn(phone.page, lock.id);
    await door.phase('unavailable');
    assert.match((await door.message.textContent()) ?? '', /cannot be reached right now/);
    assert.equal(await door.hold.isDisabled(), true);
    const refused = await call('POST', `/locks/${lock.id}/unlock`, { secret: link.secret, as: 'link' });
    assert.deepEqual([refused.status, refused.body.reason], [503, 'door_unreachable']);
    assert.ok(refused.headers.get('retry-after'));
    assert.equal((await call('GET', `/group_links/${link.id}`)).body.uses, 0);
    assert.deepEqual(phone.complaints, []);
  });
});

async function buildOneDoor(
  call: (method: string, path: string, more?: Call) => ReturnType<typeof fetchAnswer>,
) {
  const made = async (noun: string, fields: object) =>
    (await call('POST', `/${noun}s`, { body: { [noun]: fields } })).body;
  const place = await made('place', { name: 'House', address: '1 Gate Lane', time_zone: 'Europe/London' });
  const lock = await made('lock', { name: 'Side door', place_id: place.id });
  const group = await made('group', { name: 'Visitors' });
  await made('group_lock', { group_id: group.id, lock_id: lock.id });
  const link: CreatedLink = await made('group_link', {
    name: 'Robin Guest',
    group_id: group.id,
    max_uses: 1,
  });
  return { lock, link };
}

/** A key that goes down and up at once; on a busy machine it may seem to rest for a while, and is tapped again. */
async function tap(page: Page, element: Locator, until: () => Promise<unknown>): Promise<void> {
  for (let triesLeft = 3; ; triesLeft--) {
    await element.focus();
    await page.keyboard.press('Enter');
    try {
      await until();
      return;
    } catch (error) {
      if (triesLeft === 1) throw error;
    }
  }
}

async function screenshotOfCode(page: Page, folder: string): Promise<string> {
  const path = join(folder, `${crypto.randomUUID()}.png`);
  await page.locator('[data-role="qr"]').screenshot({ path });
  return path;
}

async function assertNothingToUse(page: Page): Promise<void> {
  assert.equal(await page.locator('[data-role="qr"]').count(), 0, 'no QR code');
  assert.equal(await page.locator('[data-role="hold"]:visible').count(), 0, 'no button');
}

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
