import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainMqttRelay, StandInBroker } from '../agent/locks/stand-in-broker.ts';
import { StandInTty } from '../agent/readers/stand-in-tty.ts';
import {
  freePort,
  freshFolder,
  type Postern,
  readQrCode,
  runPostern,
  type Settings,
  startPostern,
} from './demo-process.ts';
import { type Serve, startServe, until } from './serve-process.ts';
import { type Answer, fetchAnswer } from './test-server.ts';

/** As a scan reads it: a text on the wall, and when it was shown. */
export interface Scanned {
  /** Of which link; null: of none. */
  link_id: number | null;
  shown: string;
  /** Between when and when it was decided, milliseconds since 1970. */
  fromMs: number;
  toMs: number;
}

export interface Link {
  id: number;
  /** What `zbarimg` read in the picture of its QR code. */
  text: string;
}

export interface LoggedUnlock {
  uuid: string;
  created_at: string;
  success: boolean;
  actor_type: string;
  actor_id: number;
  details: {
    reader: string | null;
    reason: string | null;
    outcome: string | null;
    agent_id: number | null;
    unverified: boolean;
  };
}

export const readerName = 'Front door, outside';

/** How server and agent reach each other: the agent by `line`, everybody else by the server's own address. */
export interface Road extends AsyncDisposable {
  server: Serve;
  line_url: string;
  cut(): void;
  heal(): void;
}

/**
 * One door with everything there is to a real one: a server, an agent in a process of its own, a scanner on a tty, and a lock
 * behind a real MQTT broker, which is on the agent's side of every cut.
 */
export class CutOffHouse implements AsyncDisposable {
  readonly scanned: Scanned[] = [];
  agent_id = 0;
  door_id = 0;

  readonly #open = new AsyncDisposableStack();
  readonly #folder: string;
  readonly #road: Pick<Road, 'server' | 'line_url'>;
  readonly #key: string;
  #broker: StandInBroker | null = null;
  #tty: StandInTty;
  #group_id = 0;
  #pictures = 0;
  #agent: Postern | null = null;

  private constructor(folder: string, road: Pick<Road, 'server' | 'line_url'>, key: string) {
    this.#folder = folder;
    this.#road = road;
    this.#key = key;
    this.#tty = new StandInTty(join(folder, 'scanner'));
  }

  /** Resolves when the agent is connected and knows enough to decide alone. Disposing of it ends the agent. */
  static async build({
    folder,
    key,
    road,
  }: {
    folder: string;
    key: string;
    road: Pick<Road, 'server' | 'line_url'>;
  }) {
    const house = new CutOffHouse(folder, road, key);
    try {
      await house.#build();
    } catch (error) {
      await house[Symbol.asyncDispose]();
      throw error;
    }
    return house;
  }

  get broker(): StandInBroker {
    assert.ok(this.#broker);
    return this.#broker;
  }

  /** What was scanned and is a pass: each is in the log. */
  get passes(): Scanned[] {
    return this.scanned.filter(({ link_id }) => link_id !== null);
  }

  call(method: string, path: string, body?: object): Promise<Answer> {
    const at = this.#road.server.url;
    return fetchAnswer(at, { method, path, secret: this.#key, ...(body ? { body } : {}) });
  }

  /** A link with the text that a scanner sees in its picture. */
  async issue(fields: object = {}): Promise<Link> {
    const named = { name: 'Robin Guest', group_id: this.#group_id, ...fields };
    const { id, quick_response_code_image } = await this.#create('group_link', named);
    const picture = join(this.#folder, `code-${this.#pictures++}.png`);
    writeFileSync(picture, Buffer.from(quick_response_code_image, 'base64'));
    return { id, text: await readQrCode(picture) };
  }

  async revoke({ id }: Link): Promise<void> {
    const { status } = await this.call('DELETE', `/group_links/${id}`);
    assert.equal(status, 204);
  }

  /** Sends the text as the scanner does; answers what the reader shows. */
  async scan({ id, text }: { id: number | null; text: string }): Promise<string> {
    const fromMs = Date.now();
    this.#tty.send(`${text}\r\n`);
    const shown = await this.#tty.line();
    this.scanned.push({ link_id: id, shown, fromMs, toMs: Date.now() });
    return shown;
  }

  /** How often the lock was released, once it has done all that the broker was given. */
  async pulses(): Promise<number> {
    await this.broker.settled();
    return this.broker.moved.length;
  }

  async isOnline(): Promise<boolean> {
    return (await this.call('GET', `/agents/${this.agent_id}`)).body.online;
  }

  untilOnline(deadlineMs = 10_000) {
    return until('the agent is online', () => this.isOnline(), deadlineMs);
  }

  untilOffline(deadlineMs = 20_000) {
    return until('the server misses its agent', async () => !(await this.isOnline()), deadlineMs);
  }

  /** What the log of events says of visitors at the door, the oldest first. */
  async unlocks(): Promise<LoggedUnlock[]> {
    const { body } = await this.call(
      'GET',
      '/events?event_type=lock.unlock&event_actor_type=GroupLink&limit=250',
    );
    return body.reverse();
  }

  /** The reports that the agent has not told the server yet. */
  async waiting(): Promise<number> {
    return (await this.#status()).outbox.waiting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }

  async #build(): Promise<void> {
    const broker = await StandInBroker.start(plainMqttRelay);
    this.#broker = broker;
    this.#open.defer(() => broker.close());
    await this.#tty.plugIn();
    this.#open.defer(() => this.#tty.pullOut());
    const place = await this.#create('place', { name: 'House', address: '1 Gate Lane' });
    this.door_id = (await this.#create('lock', { name: 'Front door', place_id: place.id })).id;
    this.#group_id = (await this.#create('group', { name: 'Visitors', place_id: place.id })).id;
    await this.#create('group_lock', { group_id: this.#group_id, lock_id: this.door_id });
    await this.#startAgent();
  }

  async #startAgent(): Promise<void> {
    const { id, enrollment_code } = await this.#create('agent', { name: 'At the door' });
    this.agent_id = id;
    const { code, stderr } = await this.#run('enroll', this.#road.line_url, enrollment_code);
    assert.equal(code, 0, stderr);
    mkdirSync(this.#agentFolder, { recursive: true });
    writeFileSync(join(this.#agentFolder, 'agent.json'), JSON.stringify({ doors: [this.#door()] }));
    const agent = startPostern(['agent'], this.#settings);
    this.#agent = agent;
    this.#open.defer(() => agent[Symbol.asyncDispose]());
    await agent.firstLine();
    await this.untilOnline();
    await until('the agent can decide', async () => {
      const { replica, revocation_list } = await this.#status();
      return replica.revision !== null && revocation_list.signed_at !== null;
    });
  }

  #door() {
    return {
      id: this.door_id,
      lock: {
        driver: 'mqtt',
        url: this.broker.url,
        command_topic: plainMqttRelay.topic,
        unlock_payload: '{"on":true,"ms":{pulse_ms},"command":"{command_id}"}',
        relock_payload: '{"on":false}',
        state: { topic: 'relay/is', field: 'on', unlocked: 'true', locked: 'false' },
      },
      readers: [{ name: readerName, driver: 'serial', path: this.#tty.path, answer: true }],
    };
  }

  get #agentFolder(): string {
    return join(this.#folder, 'agent');
  }

  get #settings(): Settings {
    return { POSTERN_AGENT_DATA: this.#agentFolder };
  }

  #run(...args: string[]) {
    return runPostern(['agent', ...args], this.#settings);
  }

  async #status() {
    const { code, stdout, stderr } = await this.#run('status', '--json');
    assert.equal(code, 0, `${stderr}${this.#agent?.stderr()}`);
    return JSON.parse(stdout);
  }

  async #create(noun: string, fields: object) {
    const { status, body } = await this.call('POST', `/${noun}s`, { [noun]: fields });
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }
}

/** An installation of its own on the embedded database, and the key to it. */
export async function serveAlone(more: Settings = {}) {
  const open = new AsyncDisposableStack();
  const { path } = open.use(freshFolder());
  const settings: Settings = {
    POSTERN_DATA: join(path, 'data'),
    POSTERN_PORT: String(await freePort()),
    POSTERN_SECRET_KEY: randomBytes(32).toString('base64'),
    POSTERN_RATE_LIMITS: 'off',
    ...more,
  };
  const setup = await runPostern(['setup', '--json', '--name', 'Test House'], settings);
  assert.equal(setup.code, 0, setup.stderr);
  const key: string = JSON.parse(setup.stdout).api_key;
  const server = open.use(await startServe(settings));
  return { folder: path, key, server, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
