import { Broker } from './broker.ts';
import { authorities } from './dial.ts';
import { fieldOf, parsedJson } from './fields.ts';
import { type Lock, type LockParts, lockTimeoutMs, type Moved, type Pulse } from './lock.ts';
import { type MqttLockConfig, topicPattern } from './mqtt-config.ts';
import { Relocker } from './relock.ts';
import { readSecret, readText } from './secret.ts';
import { checkNames, fill } from './template.ts';
import { Turns } from './turns.ts';

/** What of a lock's settings is about the broker, the contact and the honesty of `done`. */
type Wiring = Pick<MqttLockConfig, 'url' | 'user' | 'password_file' | 'ca_file' | 'contact' | 'assume_done'>;

/** What is said and heard on which topic. */
export interface Plan {
  what: string;
  command_topic: string;
  unlock: (pulse: Pulse) => string;
  /** Undefined: the device locks again by itself. */
  relock: string | undefined;
  states: { topic: string; field?: string | undefined; unlocked: string[]; locked: string[] }[];
  /** Who says that the device cannot be reached: its last will. */
  offline: { topic: string; field?: string; says: string }[];
}

export function openMqttLock(config: MqttLockConfig, parts: LockParts): Promise<Lock> {
  const { command_topic, unlock_payload, relock_payload, state } = config;
  const place = unlock_payload.trimStart().startsWith('{') ? 'json' : 'plain';
  const door_id = parts.door.id;
  checkNames(relock_payload ?? '', { door_id }, 'relock_payload');
  checkNames(unlock_payload, { door_id, command_id: '', pulse_ms: 1, pulse_s: 1 }, 'unlock_payload');
  return openPlannedLock(config, parts, {
    what: `the lock on "${command_topic}"`,
    command_topic,
    unlock: (pulse) => fill(unlock_payload, { ...pulse, pulse_s: pulse.pulse_ms / 1_000, door_id }, place),
    relock: relock_payload === undefined ? undefined : fill(relock_payload, { door_id }, place),
    states: state === undefined ? [] : [{ ...state, unlocked: [state.unlocked], locked: [state.locked] }],
    offline: [],
  });
}

/** Opens while the broker is away, too. Rejects when a file cannot be read or a topic has a wildcard. */
export async function openPlannedLock(wiring: Wiring, parts: LockParts, plan: Plan): Promise<Lock> {
  const topics = [...plan.states, ...plan.offline, ...(wiring.contact ? [wiring.contact] : [])].map(
    ({ topic }) => topic,
  );
  for (const topic of [plan.command_topic, ...topics]) checkTopic(topic);
  const password = await readSecret(wiring.password_file, 'password_file');
  const ca_file = await readText(wiring.ca_file, 'ca_file');
  const url = new URL(wiring.url);
  const lock = new MqttLock(wiring, parts, plan);
  await lock.connect({
    url,
    ca: url.protocol === 'mqtts:' ? authorities(ca_file) : [],
    user: wiring.user,
    password,
    client_id: `postern-${parts.nonce().slice(0, 12)}`,
    topics: [...new Set(topics)],
  });
  return lock;
}

function checkTopic(topic: string): void {
  if (new RegExp(topicPattern).test(topic)) return;
  throw new Error(
    `"${topic}" is no topic for a lock: it is empty, begins with $, or holds +, # or a control character.`,
  );
}

class MqttLock implements Lock {
  readonly #wiring: Wiring;
  readonly #parts: LockParts;
  readonly #plan: Plan;
  readonly #turns = new Turns();
  readonly #relocker: Relocker | null;
  #broker: Broker | null = null;
  /** What the lock said last on this connection; not what the broker had kept from before. */
  #locked: boolean | null = null;
  #offline = false;
  #onUnlocked = () => {};
  #closed = false;

  constructor(wiring: Wiring, parts: LockParts, plan: Plan) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#plan = plan;
    this.#relocker = plan.relock === undefined ? null : new Relocker(parts, () => this.#relock(plan.relock));
  }

  async connect(
    settings: Omit<Parameters<typeof Broker.open>[0], 'onMessage' | 'onConnected' | 'onLost'>,
  ): Promise<void> {
    this.#broker = await Broker.open({
      ...settings,
      onMessage: (topic, text, retained) => this.#heard(topic, text, retained),
      onConnected: () => this.#relocker?.nudge(),
      onLost: () => {
        this.#locked = null;
        this.#offline = false;
      },
    });
  }

  async pulse(pulse: Pulse): Promise<Moved> {
    const signal = AbortSignal.timeout(lockTimeoutMs);
    return this.#turns.take(signal, () => this.#unlock(pulse, signal));
  }

  async check(): Promise<string> {
    const signal = AbortSignal.timeout(lockTimeoutMs);
    const { what } = this.#plan;
    const broker = this.#broker;
    if (broker === null || this.#closed) throw new Error('The lock is closed.');
    if (!(await broker.reached(signal)))
      throw new Error(`There is no connection to ${broker.name} (${broker.trouble}).`);
    if (!(await broker.took(signal))) throw new Error(`${broker.name} does not answer.`);
    if (this.#offline) throw new Error(`${what} is offline, says ${broker.name}.`);
    const said = {
      true: 'says that it is locked',
      false: 'says that it is released',
      null: 'has said nothing yet',
    };
    return `${what} at ${broker.name}; it ${said[`${this.#locked}`]}`;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turns.over();
    await this.#relocker?.close();
    await this.#broker?.close();
  }

  async #unlock(pulse: Pulse, signal: AbortSignal): Promise<Moved> {
    const broker = this.#broker;
    if (this.#closed || broker === null) throw new Error('The lock is closed.');
    if (this.#offline) throw new Error(`${this.#plan.what} is offline; nothing was sent.`);
    const confirmed = this.#confirmed(signal);
    this.#relocker?.before();
    try {
      broker.send(this.#plan.command_topic, this.#plan.unlock(pulse));
    } catch (error) {
      this.#relocker?.never();
      throw error;
    }
    const moved = await this.#became(broker, confirmed, signal);
    this.#relocker?.released(pulse.pulse_ms);
    return moved;
  }

  /** With a lock that reports, `done` is what it says; without one, what was agreed upon in the settings. */
  async #became(broker: Broker, confirmed: Promise<boolean> | null, signal: AbortSignal): Promise<Moved> {
    const took = broker.took(signal);
    if (this.#plan.states.length > 0 && confirmed !== null) return (await confirmed) ? 'done' : 'unknown';
    const counts = this.#plan.states.length > 0 || this.#wiring.assume_done === true;
    return (await took) && counts ? 'done' : 'unknown';
  }

  /** That the lock says it is released from now on; null: it has said so before, and has nothing to add. */
  #confirmed(signal: AbortSignal): Promise<boolean> | null {
    if (this.#locked === false) return null;
    const said = Promise.withResolvers<boolean>();
    this.#onUnlocked = () => said.resolve(true);
    signal.addEventListener('abort', () => said.resolve(false), { once: true });
    return said.promise;
  }

  async #relock(payload: string | undefined): Promise<void> {
    const signal = AbortSignal.timeout(lockTimeoutMs);
    await this.#turns.take(signal, async () => {
      const broker = this.#broker;
      if (broker === null) throw new Error('There is no connection yet.');
      broker.send(this.#plan.command_topic, payload ?? '');
      this.#locked = null; // what it said of the time before this counts no longer
      if (!(await broker.took(signal))) throw new Error(`${broker.name} does not answer.`);
    });
  }

  #heard(topic: string, text: string, retained: boolean): void {
    const { states, offline } = this.#plan;
    const value = (field: string | undefined) =>
      field === undefined ? text : String(fieldOf(parsedJson(text), field));
    const wills = offline.filter((one) => one.topic === topic);
    if (wills.length > 0) this.#offline = wills.some(({ field, says }) => value(field) === says);
    for (const state of states.filter((one) => one.topic === topic)) {
      if (state.unlocked.includes(value(state.field))) this.#said({ locked: false }, retained);
      else if (state.locked.includes(value(state.field))) this.#said({ locked: true }, retained);
    }
    const { contact } = this.#wiring;
    if (contact?.topic !== topic) return;
    if (value(contact.field) === contact.open) this.#parts.onReport({ open: true });
    else if (value(contact.field) === contact.closed) this.#parts.onReport({ open: false });
  }

  #said({ locked }: { locked: boolean }, retained: boolean): void {
    if (!retained) {
      this.#locked = locked;
      if (!locked) this.#onUnlocked();
    }
    this.#parts.onReport({ locked });
  }
}
