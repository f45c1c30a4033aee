import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { endpoints } from '../../domain/endpoints.ts';
import { startTestServer, TestClock, type TestServer } from '../test-server.ts';
import { dumpOf } from './dump.ts';
import { furnish, type House, makeHouse, signIn, type Things } from './house.ts';
import { loginOperations, requests } from './requests.ts';

const reading = ['GET', 'HEAD', 'OPTIONS'];

/** Every table that holds something of the house, before and after: also what is only noted beside. */
describe('looking at something', () => {
  const clock = new TestClock('2026-06-15T10:00:00.000Z');
  let server: TestServer;
  let house: House;
  let things: Things;
  let cookie = '';
  before(async () => {
    server = await startTestServer({ clock });
    house = await makeHouse(server, 'kestrel');
    things = await furnish(house);
    const secret = things.linkSecret;
    const session = await server.call('POST', '/page/sessions', {
      body: { secret },
      headers: { 'sec-fetch-site': 'same-origin' },
    });
    cookie = session.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  });
  after(() => server.close());

  async function look(paths: readonly string[], headers: Record<string, string>): Promise<void> {
    const before = await dumpOf(server, house.organization);
    clock.advance(1_000);
    for (const path of paths) {
      for (const method of reading) {
        const answer = await fetch(server.url + path, { method, headers, redirect: 'manual' });
        await answer.arrayBuffer();
        if (method === 'GET')
          assert.ok(answer.status < 300 || answer.status === 422, `${path}: ${answer.status}`);
      }
    }
    assert.deepEqual(await dumpOf(server, house.organization), before);
  }

  const pathsOfLogins = () =>
    loginOperations
      .filter(([, { methods }]) => methods.includes('GET'))
      .map(([operation]) => requests[operation](things).path);

  it('changes nothing with an API key', () =>
    look(pathsOfLogins(), { authorization: `Bearer ${house.key}` }));

  it('changes nothing for a member', async () => {
    const secret = await signIn(house, house.owner);
    await look(
      pathsOfLogins().filter((path) => path !== '/metrics'),
      { authorization: `KISI-LOGIN ${secret}` },
    );
  });

  it('changes nothing for a link', () => {
    const paths = Object.values(endpoints)
      .filter(({ callers, methods }) => [...callers].includes('link') && [...methods].includes('GET'))
      .flatMap(({ paths }) => paths);
    return look(paths, { authorization: `KISI-GROUP-LINK ${things.linkSecret}` });
  });

  it("changes nothing for a visitor's page, nor for whoever opens its address", async () => {
    assert.notEqual(cookie, '');
    await look([`/page/links/${things.link}`], { cookie, 'sec-fetch-site': 'same-origin' });
    await look([`/l/${things.link}`, `/grouplinks/${things.linkSecret}`], {});
  });
});
