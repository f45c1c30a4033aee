import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as allOf } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { type AgentSettings, agentUrl, startAgent } from './main.ts';
import { memoryLog, StandInServer } from './stand-in-server.ts';

const doors: AgentSettings['doors'] = [
  {
    id: 3,
    name: 'Front door',
    lock: { driver: 'simulated' },
    readers: [{ name: 'front', driver: 'simulated', port: 0 }],
  },
  {
    id: 4,
    name: 'Side door',
    lock: { driver: 'simulated' },
    readers: [{ name: 'side', driver: 'simulated', port: 0 }],
  },
];

async function scanned(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(`${text}\n`);
  return (await allOf(socket)).trimEnd();
}

describe('an agent', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-agent-'));
  });
  after(() => rm(folder, { recursive: true }));

  function settingsFor(server: StandInServer, changes: Partial<AgentSettings> = {}): AgentSettings {
    const server_url = `http://127.0.0.1:${server.port}`;
    return { ...server.identity, server_url, folder, doors, log: memoryLog(), ...changes };
  }

  it('takes a text at a reader to the server, moves the lock and shows the decision', async () => {
    await using server = await StandInServer.open();
    const pulses: unknown[] = [];
    await using agent = startAgent(
      settingsFor(server, { onPulse: (door, pulse_ms) => pulses.push([door, pulse_ms]) }),
    );
    const peer = await server.next();
    await peer.welcome();
    await agent.connected();
    assert.deepEqual(
      agent.readers().map(({ door_id, name }) => [door_id, name]),
      [
        [3, 'front'],
        [4, 'side'],
      ],
    );

    const shown = scanned(agent.readers()[1]?.port ?? 0, 'PSN1:A');
    const { presentation_id, door_id, reader, text } = await peer.read('presentation');
    assert.deepEqual([door_id, reader, text], [4, 'side', 'PSN1:A']);
    peer.send({ type: 'heartbeat', sequence: 1 });
    const deadline_ms = (await peer.read('heartbeat')).monotonic_ms + 2_500;
    const commands = [{ command_id: 'c', door_id: 4, pulse_ms: 3_000, deadline_ms }];
    peer.send({ type: 'unlock', session: peer.session, sequence: 1, commands });
    assert.equal((await peer.read('outcomes')).outcomes[0]?.outcome, 'done');
    peer.send({ type: 'decision', presentation_id, granted: true, reason: null });
    assert.equal(await shown, 'granted');
    assert.deepEqual(pulses, [[{ id: 4, name: 'Side door' }, 3_000]]);
    assert.match(await readFile(join(folder, 'pulses.log'), 'utf8'), /"door_id":4/);
  });

  it('lists its readers while it runs, for its owner only', async () => {
    await using server = await StandInServer.open();
    const agent = startAgent(settingsFor(server));
    const peer = await server.next();
    await peer.welcome();
    const path = join(folder, 'readers.json');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const listed = JSON.parse(await readFile(path, 'utf8'));
    const [front] = agent.readers();
    assert.deepEqual(listed[0], {
      door_id: 3,
      door: 'Front door',
      reader: 'front',
      host: '127.0.0.1',
      port: front?.port,
    });
    await agent.close();
    await agent.close();
    assert.equal(existsSync(path), false);
    await assert.rejects(scanned(front?.port ?? 0, 'A'), /ECONNREFUSED/);
    await peer.closed;
  });

  it('denies while it is not connected, and connects again by itself', async () => {
    const first = await StandInServer.open();
    const log = memoryLog();
    await using agent = startAgent(settingsFor(first, { log }));
    await (await first.next()).welcome();
    await agent.connected();
    const { port, agent: agentKeys, keys } = first;
    await first[Symbol.asyncDispose]();
    assert.equal(await scanned(agent.readers()[0]?.port ?? 0, 'A'), 'denied online_check_required');

    await using second = await StandInServer.open(port, { agent: agentKeys, keys });
    const peer = await second.next();
    await peer.welcome();
    const shown = scanned(agent.readers()[0]?.port ?? 0, 'B');
    const { presentation_id } = await peer.read('presentation');
    peer.send({ type: 'decision', presentation_id, granted: false, reason: 'use_limit_reached' });
    assert.equal(await shown, 'denied use_limit_reached');
    assert.equal(log.lines.filter((line) => line.startsWith('Connected')).length, 2);
  });

  it('never believes a server with another key, however often it tries', async () => {
    await using server = await StandInServer.open();
    const log = memoryLog();
    const agent = startAgent(settingsFor(server, { log }));
    for (let round = 0; round < 3; round++) {
      const peer = await server.next();
      await peer.welcome({ private_key: generateKeyPairSync('ed25519').privateKey });
      await peer.closed;
    }
    await agent.close();
    await assert.rejects(agent.connected(), /stopped before it was connected/);
    assert.equal(log.lines.length, 1);
    assert.match(log.lines[0] ?? '', /could not prove/);
  });

  it('does not start when a reader cannot, and gives back what it had', async () => {
    await using server = await StandInServer.open();
    const readers = [{ name: 'front', driver: 'simulated' as const, port: server.port }];
    const occupied = doors.map((door, index) => (index === 1 ? { ...door, readers } : door));
    const agent = startAgent(settingsFor(server, { doors: occupied }));
    await assert.rejects(agent.connected(), /"front" cannot listen/);
    await agent.close();
    assert.equal(existsSync(join(folder, 'readers.json')), false);
  });

  it('may be closed at once', async () => {
    await using server = await StandInServer.open();
    const agent = startAgent(settingsFor(server));
    await agent.close();
    await assert.rejects(agent.connected(), /stopped before it was connected/);
  });

  it('refuses settings that cannot work', async () => {
    await using server = await StandInServer.open();
    const settings = settingsFor(server);
    assert.throws(() => startAgent({ ...settings, doors: [...doors, ...doors] }), /same id/);
    const { privateKey } = generateKeyPairSync('x25519');
    assert.throws(() => startAgent({ ...settings, private_key: privateKey }), /Ed25519/);
    assert.throws(() => startAgent({ ...settings, server_url: 'http://192.0.2.1' }), /https only/);
  });
});

describe("the agent's address of the server", () => {
  it('is plain on its own machine and encrypted to any other', () => {
    assert.equal(agentUrl('http://127.0.0.1:8080'), 'ws://127.0.0.1:8080/agents/connect');
    assert.equal(agentUrl('http://localhost:8080/'), 'ws://localhost:8080/agents/connect');
    assert.equal(agentUrl('http://[::1]:8080'), 'ws://[::1]:8080/agents/connect');
    assert.equal(agentUrl('https://postern.example'), 'wss://postern.example/agents/connect');
  });

  it('is refused where it would be neither', () => {
    const others = [
      'http://postern.example',
      'http://127.0.0.1.example',
      'http://10.0.0.1',
      'ftp://127.0.0.1',
    ];
    for (const url of [
      ...others,
      'http://localhost.example',
      'ws://127.0.0.1',
      'http://127.0.0.1@192.0.2.1',
    ]) {
      assert.throws(() => agentUrl(url), /https only/, url);
    }
    assert.throws(() => agentUrl('door'), /Invalid URL/);
  });
});
