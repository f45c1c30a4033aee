import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { recordsIn } from '../agent/outbox-file.ts';
import type { Report } from '../domain/reports.ts';
import {
  type CreatedLink,
  freePort,
  freshFolder,
  type Postern,
  runPostern,
  startPostern,
} from './demo-process.ts';
import { type Serve, startServe, until } from './serve-process.ts';
import { fetchAnswer } from './test-server.ts';

/** A server and one agent that is a process of its own: one door, one reader, one group. */
export class AgentHouse implements AsyncDisposable {
  readonly folder = freshFolder();
  readonly agentFolder = join(this.folder.path, 'agent');
  readonly outboxFolder = join(this.agentFolder, 'outbox');
  door_id = 0;
  group_id = 0;
  agent_id = 0;
  #server: Serve | null = null;
  #key = '';
  agent: Postern | null = null;

  /** `lock`: as in the agent's file. */
  static async open(lock: object): Promise<AgentHouse> {
    const house = new AgentHouse();
    try {
      await house.#open(lock);
    } catch (error) {
      await house[Symbol.asyncDispose]();
      throw error;
    }
    return house;
  }

  async #open(lock: object): Promise<void> {
    const settings = {
      POSTERN_DATA: join(this.folder.path, 'data'),
      POSTERN_PORT: String(await freePort()),
      POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
      POSTERN_RATE_LIMITS: 'off',
    };
    const setUp = await runPostern(['setup', '--json', '--name', 'Test House'], settings);
    this.#key = JSON.parse(setUp.stdout).api_key;
    this.#server = await startServe(settings);
    const place = await this.create('place', { name: 'House', address: 'x' });
    this.door_id = (await this.create('lock', { name: 'Front door', place_id: place.id })).id;
    this.group_id = (await this.create('group', { name: 'Visitors' })).id;
    await this.create('group_lock', { group_id: this.group_id, lock_id: this.door_id });
    const { id, enrollment_code } = await this.create('agent', { name: 'Gatehouse' });
    this.agent_id = id;
    const enrolled = await this.runAgent('enroll', this.#server.url, enrollment_code);
    assert.equal(enrolled.code, 0, enrolled.stderr);
    mkdirSync(this.agentFolder, { recursive: true });
    const readers = [{ name: 'front', driver: 'simulated' }];
    const config = { doors: [{ id: this.door_id, lock, readers }] };
    writeFileSync(join(this.agentFolder, 'agent.json'), JSON.stringify(config));
    await this.start();
    await this.untilKnowing();
  }

  get #readersFile(): string {
    return join(this.agentFolder, 'readers.json');
  }

  call(method: string, path: string, body?: object) {
    const request = { method, path, secret: this.#key, ...(body ? { body } : {}) };
    return fetchAnswer(this.#server?.url ?? '', request);
  }

  async create(noun: string, fields: object) {
    const { status, body } = await this.call('POST', `/${noun}s`, { [noun]: fields });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }

  createLink(name: string): Promise<CreatedLink> {
    const { group_id } = this;
    return this.create('group_link', { name, group_id, quick_response_code_type: 'offline' });
  }

  runAgent(...args: string[]) {
    return runPostern(['agent', ...args], { POSTERN_AGENT_DATA: this.agentFolder });
  }

  async start(): Promise<Postern> {
    rmSync(this.#readersFile, { force: true }); // one that was killed leaves it behind
    this.agent = startPostern(['agent'], { POSTERN_AGENT_DATA: this.agentFolder });
    await this.agent.firstLine();
    await until('its readers listen', () => existsSync(this.#readersFile), 20_000);
    return this.agent;
  }

  async kill(): Promise<void> {
    await this.agent?.kill('SIGKILL');
  }

  async status() {
    const { code, stdout, stderr } = await this.runAgent('status', '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  /** The agent can decide alone, and has told everything. */
  async untilKnowing(): Promise<void> {
    const isSo = async () => {
      const { replica, revocation_list, outbox } = await this.status();
      return replica.revision !== null && revocation_list.epoch !== null && outbox.waiting === 0;
    };
    await until('the agent knows and has told all', isSo, 30_000);
  }

  /** Shows a code; the answer is the line that the reader then shows, null when the agent died before it. */
  present(text: string): { socket: Socket; answer: Promise<string | null> } {
    const [reader] = JSON.parse(readFileSync(this.#readersFile, 'utf8'));
    const socket = connect(reader.port, '127.0.0.1');
    const answer = new Promise<string | null>((resolve) => {
      let said = '';
      socket.setEncoding('utf8').on('data', (more: string) => {
        said += more;
        if (said.includes('\n')) resolve(said.trim());
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(said.trim() || null));
    });
    socket.write(`${text}\n`);
    return { socket, answer };
  }

  /** What is in the files of the agent's log. */
  recorded(): Report[] {
    const files = readdirSync(this.outboxFolder).sort();
    const lines = files.flatMap((name) =>
      recordsIn(readFileSync(join(this.outboxFolder, name), 'latin1')).records.map((json) =>
        JSON.parse(json),
      ),
    );
    return lines.flatMap(({ report }) => report ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#server?.[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}
