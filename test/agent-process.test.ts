import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text as allOf } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { freePort, freshFolder, pulsesIn, runPostern, type Settings, startPostern } from './demo-process.ts';
import { type Serve, startServe, until } from './serve-process.ts';
import { fetchAnswer } from './test-server.ts';

/* Server and agent as processes of their own, set up with the commands that an operator has. */

const folder = freshFolder();
const folderOf = (name: string) => join(folder.path, name);
let settings: Settings;
let server: Serve;
let key: string;
const doors: { id: number; name: string }[] = [];

before(async () => {
  const port = await freePort();
  settings = {
    POSTERN_DATA: folderOf('data'),
    POSTERN_PORT: String(port),
    POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
    POSTERN_RATE_LIMITS: 'off',
  };
  key = JSON.parse((await runPostern(['setup', '--json', '--name', 'Test House'], settings)).stdout).api_key;
  server = await startServe(settings);
  const place = await create('place', { name: 'House', address: 'x' });
  for (const name of ['Front door', 'Side door']) {
    const { id } = await create('lock', { name, place_id: place.id });
    doors.push({ id, name });
  }
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const call = (method: string, path: string, body?: object) =>
  fetchAnswer(server.url, { method, path, secret: key, ...(body ? { body } : {}) });

async function create(noun: string, fields: object) {
  const { status, body } = await call('POST', `/${noun}s`, { [noun]: fields });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

const agentSettings = (name: string): Settings => ({ POSTERN_AGENT_DATA: folderOf(name) });
const run = (name: string, ...args: string[]) => runPostern(['agent', ...args], agentSettings(name));

async function enroll(name: string): Promise<number> {
  const { id, enrollment_code } = await create('agent', { name });
  const { code, stderr, stdout } = await run(name, 'enroll', server.url, enrollment_code);
  assert.deepEqual([code, stderr], [0, '']);
  assert.ok(stdout.startsWith(`Enrolled as agent ${id} of Test House, in ${folderOf(name)}.\n`), stdout);
  return id;
}

function configure(name: string, ids: readonly number[], more: object = {}): void {
  const config = {
    doors: ids.map((id) => ({
      id,
      lock: { driver: 'simulated' },
      readers: [{ name: `reader ${id}`, driver: 'simulated' }],
      ...more,
    })),
  };
  mkdirSync(folderOf(name), { recursive: true });
  writeFileSync(join(folderOf(name), 'agent.json'), JSON.stringify(config));
}

async function start(name: string) {
  const agent = startPostern(['agent'], agentSettings(name));
  await agent.firstLine();
  return agent;
}

async function untilOnline(id: number): Promise<void> {
  await until('the agent is online', async () => (await call('GET', `/agents/${id}`)).body.online);
}

async function scan(name: string, text: string): Promise<string> {
  const [reader] = JSON.parse(readFileSync(join(folderOf(name), 'readers.json'), 'utf8'));
  const socket = connect(reader.port, '127.0.0.1');
  socket.end(`${text}\n`);
  return (await allOf(socket)).trim();
}

describe('postern agent', () => {
  it('is enrolled, opens its door, and does so again after a restart', async () => {
    const [front] = doors;
    assert.ok(front);
    const id = await enroll('front');
    configure('front', [front.id]);
    const pulses = () =>
      existsSync(join(folderOf('front'), 'pulses.log')) ? pulsesIn(folderOf('front')).length : 0;
    for (let time = 1; time <= 2; time++) {
      await using agent = await start('front');
      await untilOnline(id);
      const { status, body } = await call('POST', `/locks/${front.id}/unlock`);
      assert.deepEqual([status, body.message, pulses()], [200, 'Unlocked!', time]);
      assert.deepEqual(await agent.kill('SIGTERM'), { code: 0, signal: null });
    }
    assert.equal(statSync(join(folderOf('front'), 'identity.json')).mode & 0o777, 0o600);
    assert.equal(existsSync(join(folderOf('front'), 'agent.sock')), false);
  });

  it('opens for a code at its reader, and calls the door what the server calls it', async () => {
    const [front] = doors;
    assert.ok(front);
    const id = await enroll('reading');
    const earlier = (await call('GET', `/locks?ids=${front.id}`)).body;
    assert.equal(earlier.length, 1);
    // The first agent still drives the door until it is removed.
    const [first] = (await call('GET', '/agents')).body.filter(
      ({ name }: { name: string }) => name === 'front',
    );
    assert.equal((await call('DELETE', `/agents/${first.id}`)).status, 204);
    configure('reading', [front.id]);
    await using agent = await start('reading');
    await untilOnline(id);
    const group = await create('group', { name: 'Visitors' });
    await create('group_lock', { group_id: group.id, lock_id: front.id });
    const link = await create('group_link', { name: 'Robin Guest', group_id: group.id });
    assert.equal(await scan('reading', link.quick_response_code_token), 'granted');
    const { stdout } = await run('reading', 'status');
    assert.match(stdout, /^Agent +\d+ of Test House$/m);
    assert.match(stdout, /^Server +http\S+, connected since 2\S+Z$/m);
    assert.match(stdout, new RegExp(`^Doors +${front.id} Front door$`, 'm'));
    assert.match(stdout, new RegExp(`^Readers +reader ${front.id}, at door ${front.id}, port \\d+$`, 'm'));
    const status = JSON.parse((await run('reading', 'status', '--json')).stdout);
    assert.equal(status.connection.connected, true);
    const checked = await run('reading', 'check');
    assert.equal(checked.code, 0, checked.stdout);
    assert.match(
      checked.stdout,
      /^ok {4}The lock of door \d+ \(Front door\): a simulated lock, which writes to /m,
    );
    const again = await run('reading');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /An agent is running in .*reading already/);
    const time = await run('reading', 'set-time', 'now');
    assert.equal(time.code, 0, time.stderr);
    assert.match(time.stdout, /^The agent goes by 2\S+Z from now on\.$/m);
    assert.deepEqual(await agent.kill('SIGTERM'), { code: 0, signal: null });
  });

  it('comes back by itself when the server does, and says meanwhile that it is away', async () => {
    const id = await enroll('patient');
    configure('patient', [doors[1]?.id ?? 0]);
    await using agent = await start('patient');
    await untilOnline(id);
    await server.kill('SIGKILL');
    await until('it notices', async () =>
      (await run('patient', 'status')).stdout.includes('not connected since'),
    );
    assert.equal((await run('patient', 'check')).code, 1);
    server = await startServe(settings);
    await untilOnline(id);
    await agent.kill('SIGTERM');
  });

  it('is refused a door that another agent drives, which is said and alarmed', async () => {
    const side = doors[1]?.id ?? 0;
    const id = await enroll('rival');
    configure('rival', [side]);
    await using rival = await start('rival');
    await untilOnline(id);
    await until('it is said', () =>
      rival.stderr().includes(`The server does not give this agent door ${side}: another agent drives it`),
    );
    const { body } = await call(
      'GET',
      `/events?event_type=agent.alarm&event_object_type=Agent&event_object_id=${id}`,
    );
    assert.deepEqual(
      body.map(({ message }: { message: string }) => message),
      ['The agent rival names doors that another agent drives: Side door'],
    );
    assert.match(
      (await run('rival', 'status')).stdout,
      /Side door|Door \d+: refused, another agent drives it/,
    );
    const { code, stdout } = await run('rival', 'check');
    assert.deepEqual(
      [code, new RegExp(`^FAIL {2}Door ${side}: another agent drives it`, 'm').test(stdout)],
      [1, true],
    );
  });

  it('looks at everything without running: a good file, a door that there is none of', async () => {
    await enroll('checked');
    configure('checked', [99_999]);
    const { code, stdout } = await run('checked', 'check');
    assert.equal(code, 1);
    assert.match(stdout, /^ok {4}The lock of door 99999: a simulated lock/m);
    assert.match(stdout, /^ok {4}The reader "reader 99999" at door 99999: lines of text on /m);
    assert.match(stdout, /^FAIL {2}Door 99999: there is no such door in this organization\.$/m);
  });

  it('is enrolled anew with --replace only, and its earlier key is good no more', async () => {
    const id = await enroll('replaced');
    configure('replaced', []);
    const before = readFileSync(join(folderOf('replaced'), 'identity.json'), 'utf8');
    const { enrollment_code } = (await call('POST', `/agents/${id}/enrollment_code`)).body;
    const refused = await run('replaced', 'enroll', server.url, enrollment_code);
    assert.deepEqual([refused.code, /is enrolled already/.test(refused.stderr)], [1, true]);
    assert.equal((await run('replaced', 'enroll', server.url, enrollment_code, '--replace')).code, 0);
    assert.notEqual(readFileSync(join(folderOf('replaced'), 'identity.json'), 'utf8'), before);
  });

  const sentences: [string, () => Promise<{ code: number | null; stderr: string }>, RegExp][] = [
    ['there is no identity', () => run('nobody'), /is not enrolled yet\. Make a code with `POST \/agents`/],
    ['nothing runs', () => run('nobody', 'status'), /No agent is running in /],
    [
      'the code is none',
      () => run('nobody', 'enroll', server.url, 'ABC'),
      /"ABC" is no enrolment code: those have 24 letters/,
    ],
    [
      'the code is wrong',
      () => run('nobody', 'enroll', server.url, '0'.repeat(24)),
      /This enrolment code is wrong, was used or has ended\. Make a new one/,
    ],
    [
      'nobody listens',
      () => run('nobody', 'enroll', 'http://127.0.0.1:9', '0'.repeat(24)),
      /cannot be reached: nobody listens there/,
    ],
    [
      'it is plain http',
      () => run('nobody', 'enroll', 'http://doors.example.org', '0'.repeat(24)),
      /by https only/,
    ],
    [
      'there is no such command',
      () => run('nobody', 'paint'),
      /There is no command paint\. They are: enroll, check, status, set-time/,
    ],
    [
      'an argument is missing',
      () => run('nobody', 'enroll', server.url),
      /Say: postern agent enroll <server> <code>/,
    ],
    ['the instant is none', () => run('nobody', 'set-time', 'noon'), /"noon" is no instant/],
  ];
  for (const [what, ask, expected] of sentences) {
    it(`says so in a sentence when ${what}`, async () => {
      const { code, stderr } = await ask();
      assert.equal(code, 1);
      assert.match(stderr, expected);
      assert.equal(stderr.includes('    at '), false);
    });
  }

  it('says what is missing or wrong in its file', async () => {
    await enroll('wrong');
    const without = await run('wrong');
    assert.match(without.stderr, /There is no .*agent\.json\. It says which doors .*"doors": \[/s);
    configure('wrong', [1, 1], { lock: { driver: 'magnet' } });
    const { code, stderr } = await run('wrong');
    assert.equal(code, 1);
    assert.match(stderr, /doors\[0\]\.lock\.driver is "magnet", which there is none of/);
    assert.match(stderr, /doors\[1\]\.id is 1, as that of doors\[0\] is/);
  });
});
