import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { doorOn, openPhone, startBrowser, touch, untilState } from './browser.ts';
import { pulsesIn } from './demo-process.ts';
import { figure, report } from './figures.ts';
import { type Answer, type Call, startTestServer, type TestServer } from './test-server.ts';

/** What fetches a link before the person does: mail scanners, chat previews, search engines, HTTP libraries. */
const userAgents = [
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; Trident/7.0; rv:11.0; BingPreview/1.0b) like Gecko',
  'Mozilla/5.0 (Windows NT 10.0; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com',
  'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
  'Slackbot 1.0 (+https://api.slack.com/robots)',
  'WhatsApp/2.23.20.0',
  'TelegramBot (like TwitterBot)',
  'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
  'Twitterbot/1.0',
  'LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)',
  'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36 (compatible; Google-Safety; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)',
  'YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html',
  'Mozilla/5.0 (compatible; Barracuda Sentinel (EE))',
  'Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/7.0; Microsoft Outlook 16.0)',
  'Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5189; Pro)',
  'curl/8.5.0',
  'Wget/1.21.4',
  'python-requests/2.31.0',
  'Go-http-client/2.0',
  'Java/17.0.9',
];

const rounds = figure({ small: 1, large: 100 });
/** Browsers that run the page at the same time. */
const pagesAtOnce = 5;

/** What browsers and crawlers say when they fetch something that nobody asked for yet. */
const ahead: Record<string, string>[] = [
  { purpose: 'prefetch' },
  { 'sec-purpose': 'prefetch' },
  { 'sec-purpose': 'prefetch;prerender' },
  { 'x-moz': 'prefetch' },
  { 'x-purpose': 'preview' },
];

interface Link {
  id: number;
  secret: string;
  url: string;
}

describe('a live link among the machines that open links', {
  timeout: figure({ small: 120_000, large: 3_600_000 }),
}, () => {
  let server: TestServer;
  let browser: Browser;
  let group_id: number;
  let lock: { id: number };
  let link: Link;

  before(async () => {
    [server, browser] = await Promise.all([startTestServer(), startBrowser()]);
    const place = await server.create('place', { name: 'House', address: '1 Gate Lane' });
    lock = await server.create('lock', { name: 'Front door', place_id: place.id });
    group_id = (await server.create('group', { name: 'Visitors' })).id;
    await server.create('group_lock', { group_id, lock_id: lock.id });
    await server.connectAgent([{ id: lock.id, name: 'Front door' }]);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    link = await makeLink();
  });

  it('is not touched by HEAD, GET, OPTIONS and fetching ahead, whoever does it', async (t) => {
    const addresses = [
      `/l/${link.id}`,
      `/grouplinks/${link.secret}`,
      '/page/sessions',
      `/locks/${lock.id}/unlock`,
    ];
    const statuses = new Set<number>();
    let requests = 0;
    for (const path of Array.from({ length: rounds }, () => [
      ...addresses,
      `/page/links/${link.id}/unlock?lock_id=${lock.id}`,
    ]).flat()) {
      for (const headers of [...userAgents.map((name) => ({ 'user-agent': name })), ...ahead]) {
        const methods = ['HEAD', 'GET', 'OPTIONS'];
        const answers = methods.map((method) => statusOf(method, path, headers));
        for (const status of await Promise.all(answers)) statuses.add(status);
        requests += methods.length;
      }
    }
    assert.deepEqual(statuses, new Set([200, 204, 404]));
    await assertUntouched();
    report(t, 'machines that only look', { requests, 'doors opened': 0, 'uses spent': 0 });
  });

  it('is not touched by simple clients that post what they find', async (t) => {
    const json = { 'content-type': 'application/json' };
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const secret = JSON.stringify({ secret: link.secret });
    const press = JSON.stringify({ lock_id: lock.id, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' });
    const posts: [string, Call][] = [
      [`/l/${link.id}`, { body: '', headers: form }],
      [`/grouplinks/${link.secret}`, { body: `secret=${link.secret}`, headers: form }],
      ['/page/sessions', { body: `secret=${link.secret}`, headers: form }],
      ['/page/sessions', { body: secret, headers: json }],
      ['/page/sessions', { body: secret, headers: { ...json, 'sec-fetch-site': 'cross-site' } }],
      ['/page/sessions', { body: secret, headers: { ...json, origin: 'https://preview.invalid' } }],
      [`/page/links/${link.id}/holds`, { body: press, headers: json }],
      [`/page/links/${link.id}/unlock`, { body: press, headers: json }],
      [
        `/page/links/${link.id}/unlock`,
        { body: press, headers: { ...json, 'sec-fetch-site': 'same-origin' } },
      ],
      [`/locks/${lock.id}/unlock`, { body: secret, headers: json }],
      [`/locks/${lock.id}/unlock?secret=${link.secret}`, { body: '{}', headers: json }],
    ];
    for (const [path, call] of Array.from({ length: rounds }, () => posts).flat()) {
      for (const name of ['curl/8.5.0', userAgents[0] ?? '']) {
        const answer = await server.call('POST', path, {
          ...call,
          headers: { ...call.headers, 'user-agent': name },
        });
        assert.ok(answer.status >= 400 && answer.status < 500, `POST ${path}: ${answer.status}`);
      }
    }
    await assertUntouched();
    report(t, 'machines that post', { posts: rounds * posts.length * 2, 'doors opened': 0, 'uses spent': 0 });
  });

  it('is not touched by a client that acts the whole page out, but does not hold', async (t) => {
    for (let round = 0; round < rounds; round++) await actPageOut();
    report(t, 'clients that act the page out', { rounds, 'doors opened': 0, 'uses spent': 0 });
  });

  async function actPageOut(): Promise<void> {
    const session = await fromPage('/page/sessions', { secret: link.secret });
    assert.equal(session.status, 200);
    const cookie = session.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const pressed = async () =>
      (await fromPage(`/page/links/${link.id}/holds`, { lock_id: lock.id }, cookie)).body.nonce;
    const unlock = (nonce: string) =>
      fromPage(`/page/links/${link.id}/unlock`, { lock_id: lock.id, nonce }, cookie);
    const nonce = await pressed();
    const reasons = [
      await unlock(nonce),
      await unlock(nonce),
      await unlock(''),
      await unlock(await pressed()),
    ];
    assert.deepEqual(
      reasons.map(({ body }) => body.reason),
      ['hold_too_short', 'hold_used', 'hold_expired', 'hold_too_short'],
    );
    await assertUntouched();
  }

  for (const address of [
    'the link as it is handed out',
    'the address that programs build themselves',
  ] as const) {
    it(`is not touched by a browser that runs the page, clicks and submits by script: ${address}`, async (t) => {
      let events = 0;
      for (let done = 0; done < rounds; ) {
        const pages = Math.min(pagesAtOnce, rounds - done);
        const links: Link[] = [];
        for (let page = 0; page < pages; page++) links.push(await makeLink());
        const acted = await Promise.all(
          links.map((own) => runPage(own, address.startsWith('the link') ? own.url : undefined)),
        );
        events += acted.reduce((sum, each) => sum + each, 0);
        done += pages;
      }
      report(t, `browsers with ${address}`, { pages: rounds, events, 'doors opened by script': 0 });
    });
  }

  /** Answers how many events the script made. */
  async function runPage(own: Link, url = `${server.url}/grouplinks/${own.secret}`): Promise<number> {
    await using phone = await openPhone(browser);
    const { page } = phone;
    await page.goto(url);
    await untilState(page, 'active');
    const { events, seconds } = await actByScript(page);
    assert.ok(events > 1_000 && seconds >= 4, `${events} events in ${seconds} s`);
    await assertUntouched(own);
    await untilState(page, 'active');
    assert.deepEqual(phone.complaints, []);
    // The same page, the same door, a person: nothing that the script did stands in the way.
    await page.reload();
    await untilState(page, 'active');
    const door = doorOn(page, lock.id);
    await touch(page, door.hold, () => door.phase('open'));
    assert.equal((await unlocks(own)).length, 1);
    return events;
  }

  const makeLink = (): Promise<Link> =>
    server.create('group_link', { name: 'Robin Guest', group_id, max_uses: 1 });

  async function assertUntouched(own = link): Promise<void> {
    assert.deepEqual(await unlocks(own), []);
    const { body } = await server.call('GET', `/group_links/${own.id}`, { secret: server.api_key });
    assert.deepEqual([body.uses, body.last_used_at], [0, null]);
    const moved = pulsesIn(join(server.folder, 'agent-1')).map(({ command_id }) => command_id);
    const { query } = server.context.database.everywhere.read;
    const events = await query
      .selectFrom('events')
      .select('uuid')
      .where('type', '=', 'lock.unlock')
      .execute();
    const uuids = new Set(events.map(({ uuid }) => uuid)); // of people with other links
    assert.deepEqual(
      moved.filter((command) => !uuids.has(command)),
      [],
      'only people opened the door',
    );
  }

  /** Unlocks, granted or not, of this link. */
  async function unlocks(own: Link): Promise<unknown[]> {
    const query = `event_type=lock.unlock&limit=250&event_actor_type=GroupLink&event_actor_id=${own.id}`;
    return (await server.call('GET', `/events?${query}`, { secret: server.api_key })).body;
  }

  async function statusOf(method: string, path: string, headers: Record<string, string>): Promise<number> {
    const answer = await fetch(server.url + path, { method, headers, redirect: 'manual' });
    await answer.arrayBuffer();
    return answer.status;
  }

  function fromPage(path: string, body: object, cookie = ''): Promise<Answer> {
    return server.call('POST', path, { body, headers: { 'sec-fetch-site': 'same-origin', cookie } });
  }
});

/**
 * Everything that a script in the page can do to it, again and again for some seconds: clicks, submits, and events
 * of pointer, touch, mouse and keyboard on every element, held for as long as a person would hold.
 */
function actByScript(page: Page): Promise<{ events: number; seconds: number }> {
  return page.evaluate(`(async () => {
    const begun = performance.now();
    let events = 0;
    const each = (act) => { for (const element of document.querySelectorAll('*')) { act(element); events++; } };
    const send = (Kind, type, more) => each((element) => element.dispatchEvent(
      new Kind(type, { bubbles: true, cancelable: true, composed: true, view: window, ...more })));
    const pointer = { pointerId: 1, pointerType: 'touch', isPrimary: true, button: 0, buttons: 1, pressure: 1 };
    const keys = [{ key: 'Enter', code: 'Enter' }, { key: ' ', code: 'Space' }];
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    for (const key of keys) {
      send(PointerEvent, 'pointerdown', pointer);
      send(MouseEvent, 'mousedown', { button: 0, buttons: 1 });
      send(Event, 'touchstart', {});
      await wait(900);
      send(Event, 'touchend', {});
      send(MouseEvent, 'mouseup', { button: 0 });
      send(PointerEvent, 'pointerup', pointer);
      send(MouseEvent, 'click', { detail: 0 });
      send(PointerEvent, 'click', { detail: 1 });
      each((element) => { element.focus?.(); element.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, ...key })); });
      await wait(900);
      send(KeyboardEvent, 'keyup', key);
      each((element) => element.click?.());
      await wait(800);
      each((element) => { element.focus?.(); element.click?.(); element.dispatchEvent(new Event('activate')); });
      for (const form of document.forms) form.requestSubmit();
    }
    document.querySelectorAll('[hidden], [disabled]').forEach((element) => { element.hidden = false; element.disabled = false; });
    each((element) => element.click?.());
    await wait(300);
    return { events, seconds: (performance.now() - begun) / 1000 };
  })()`);
}
