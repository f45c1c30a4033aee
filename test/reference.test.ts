import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { endpoints } from '../domain/endpoints.ts';
import { denials, errors } from '../domain/errors.ts';
import { chaptersOf } from '../domain/openapi/chapters.ts';
import { reasons } from '../domain/schemas/answers/errors.ts';
import { referencePolicy } from '../server/http/headers.ts';
import { openPhone, startBrowser } from './browser.ts';
import { contract } from './contract.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const phoneWidth = 390;

describe('the reference', { timeout: 120_000 }, () => {
  let server: TestServer;
  let browser: Browser;
  /** Every page of it, by its address. */
  const pages = new Map<string, string>();

  before(async () => {
    server = await startTestServer();
    browser = await startBrowser();
    for (const path of ['/docs', '/docs/errors', ...reasons.map((reason) => `/docs/errors/${reason}`)]) {
      const { status, headers, body } = await server.call('GET', path);
      assert.equal(status, 200, path);
      assert.equal(headers.get('content-security-policy'), referencePolicy, path);
      pages.set(path, body);
    }
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  it('tells of every operation: its path, its fields, its answers and a command to try', () => {
    const page = pages.get('/docs') ?? '';
    for (const path of Object.keys(contract.paths)) assert.ok(page.includes(`<code>${path}</code>`), path);
    for (const { object } of chaptersOf(contract).flatMap(({ operations }) => operations)) {
      const article = page.slice(page.indexOf(` id="${object.operationId}"`)).split('</article>', 1)[0] ?? '';
      for (const status of Object.keys(object.responses))
        assert.ok(article.includes(`<dt>${status}</dt>`), `${object.operationId} ${status}`);
      for (const { name } of object.parameters ?? [])
        assert.ok(article.includes(`<code>${name}</code>`), `${object.operationId} ${name}`);
    }
    assert.ok(page.includes(`curl &#34;${server.context.publicUrl}/group_links&#34;`));
    assert.equal(
      page.match(/<article><h3/g)?.length,
      Object.keys(endpoints).length - 1 + Object.keys(contract.components.schemas).length,
    );
  });

  it('leads nowhere that is not there', () => {
    for (const [path, page] of pages) {
      const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
      assert.equal(ids.size, page.match(/ id="/g)?.length ?? 0, `${path}: an id is there twice`);
      for (const [, href = ''] of page.matchAll(/<a [^>]*href="([^"]+)"/g)) {
        const [address = '', anchor] = href.split('#');
        const target = address === '' ? page : pages.get(address);
        if (address === '/openapi.json') continue;
        assert.ok(target, `${path}: ${href}`);
        if (anchor) assert.ok(target.includes(` id="${anchor}"`), `${path}: ${href}`);
      }
    }
  });

  it('holds nothing that runs, and loads its own style and nothing else', () => {
    for (const [path, page] of pages) {
      assert.doesNotMatch(page, /<script|<style|<img|<iframe| style=| on\w+=|javascript:/i, path);
      const loaded = [...page.matchAll(/<link [^>]*href="([^"]+)"/g)].map(([, href]) => href);
      assert.equal(loaded[0], 'data:,', path);
      assert.match(loaded[1] ?? '', /^\/docs\/assets\/reference\.[\w-]+\.css$/, path);
      assert.equal(loaded.length, 2, path);
    }
    assert.doesNotMatch(referencePolicy, /unsafe|https?:|\*|script/);
  });

  it('says of every error what happened and what to do, under its reason and its code', async () => {
    for (const [reason, { code, status, hint }] of Object.entries({ ...errors, ...denials })) {
      const page = pages.get(`/docs/errors/${reason}`) ?? '';
      const plain = page
        .replace(/<[^>]+>/g, '')
        .replace(/&#(\d+);/g, (_, number) => String.fromCharCode(number));
      for (const text of [reason, code, String(status), hint.replaceAll('`', ''), `"code": "${code}"`])
        assert.ok(plain.includes(text), `${reason}: ${text}`);
      assert.equal((await server.call('GET', `/docs/errors/${code}`)).body, page);
    }
    for (const name of ['nothing', 'x'.repeat(400), '%3Cscript%3E', '__proto__', 'toString'])
      assert.equal((await server.call('GET', `/docs/errors/${name}`)).status, 404, name);
  });

  it('is named by every error answer', async () => {
    const { headers, body } = await server.call('GET', '/locks');
    assert.equal(headers.get('link'), `</docs/errors/${body.reason}>; rel="help"`);
  });

  it('fits a phone, in light and dark, and the browser has nothing to complain about', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await using phone = await openPhone(browser);
      const { page, complaints } = phone;
      await page.emulateMedia({ colorScheme });
      const asked: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).origin));
      for (const path of ['/docs#locks_unlock', '/docs/errors', '/docs/errors/invalid']) {
        await page.goto(server.url + path);
        assert.equal(await page.evaluate<number>('document.documentElement.scrollWidth'), phoneWidth, path);
        const style = 'getComputedStyle(document.documentElement)';
        const colors = await page.evaluate<string[]>(`[${style}.color, ${style}.backgroundColor]`);
        const [ink = 0, paper = 0] = colors.map((text) => Number(/\d+/.exec(text)?.[0]));
        assert.equal(ink > paper, colorScheme === 'dark', path);
      }
      assert.deepEqual(
        [...new Set(asked)].filter((origin) => origin !== 'null'),
        [new URL(server.url).origin],
      );
      assert.deepEqual(complaints, []);
    }
  });
});
