import type { MqttClient } from 'mqtt';
import { type Address, begin, type Line } from './dial.ts';
import { reasonOf } from './exchange.ts';

export interface BrokerSettings {
  url: URL;
  ca: string[];
  user: string | undefined;
  password: string | null;
  client_id: string;
  topics: readonly string[];
  onMessage(topic: string, text: string, retained: boolean): void;
  onConnected(): void;
  onLost(): void;
}

const keepaliveSeconds = 15;
const connectTimeoutMs = 5_000;
const reconnectMs = 1_000;
const reconnectMsMax = 30_000;
/** Longer messages than this say nothing about a door. */
const messageBytesMax = 65_536;

/**
 * A connection to an MQTT broker that comes back by itself. Commands are sent on it as they are asked for, or not
 * at all: with quality of service 0, not retained, and never kept for later, neither by the client nor by the kernel.
 */
export class Broker {
  readonly #settings: BrokerSettings;
  readonly #client: MqttClient;
  #line: Line | null = null;
  #trouble = 'not yet';

  private constructor(settings: BrokerSettings, Client: typeof MqttClient) {
    this.#settings = settings;
    const { user, password, client_id } = settings;
    this.#client = new Client(() => this.#begin(), {
      clientId: client_id,
      clean: true,
      protocolVersion: 4,
      queueQoSZero: false,
      resubscribe: false,
      reconnectOnConnackError: true,
      keepalive: keepaliveSeconds,
      connectTimeout: connectTimeoutMs,
      reconnectPeriod: reconnectMs,
      ...(user === undefined ? {} : { username: user }),
      ...(password === null ? {} : { password }),
    });
    this.#client.on('connect', () => this.#onConnect());
    this.#client.on('close', () => this.#onClose());
    this.#client.on('error', (error) => {
      this.#trouble = reasonOf(error, null);
    });
    this.#client.on('message', (topic, content, { retain }) => {
      if (content.length <= messageBytesMax) settings.onMessage(topic, content.toString('utf8'), retain);
    });
  }

  /** Does not wait for the connection. The library is loaded only where there is a broker. */
  static async open(settings: BrokerSettings): Promise<Broker> {
    const { MqttClient: Client } = await import('mqtt');
    return new Broker(settings, Client);
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  get name(): string {
    return `the MQTT broker ${this.#settings.url.host}`;
  }

  /** Throws a sentence when there is no connection; then nothing was sent, and nothing will be. */
  send(topic: string, payload: string): void {
    if (!this.connected) throw new Error(`There is no connection to ${this.name} (${this.#trouble}).`);
    this.#client.publish(topic, payload, { qos: 0, retain: false });
  }

  /**
   * Whether the broker has taken what was sent before: it answers in order. If it does not in time, the connection is torn
   * down with everything that has not left the machine.
   */
  async took(signal: AbortSignal): Promise<boolean> {
    const line = this.#line;
    const answered = Promise.withResolvers<boolean>();
    const onPacket = ({ cmd }: { cmd?: string }) => cmd === 'pingresp' && answered.resolve(true);
    const onEnd = () => answered.resolve(false);
    this.#client.on('packetreceive', onPacket);
    this.#client.on('close', onEnd);
    signal.addEventListener('abort', onEnd);
    if (this.connected) this.#client.sendPing();
    else onEnd();
    const taken = await answered.promise;
    this.#client.off('packetreceive', onPacket);
    this.#client.off('close', onEnd);
    signal.removeEventListener('abort', onEnd);
    if (!taken) line?.reset();
    return taken;
  }

  /** When there is a connection; false: not before the signal. */
  async reached(signal: AbortSignal): Promise<boolean> {
    if (this.connected) return true;
    const known = Promise.withResolvers<boolean>();
    const [onConnect, onAbort] = [() => known.resolve(true), () => known.resolve(false)];
    this.#client.once('connect', onConnect);
    signal.addEventListener('abort', onAbort);
    return known.promise.finally(() => {
      this.#client.off('connect', onConnect);
      signal.removeEventListener('abort', onAbort);
    });
  }

  get trouble(): string {
    return this.#trouble;
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
    this.#line?.reset();
  }

  #begin(): Line['stream'] {
    this.#line = begin(addressOf(this.#settings));
    this.#line.stream.on('error', (error) => {
      this.#trouble = reasonOf(error, null);
    });
    return this.#line.stream;
  }

  #onConnect(): void {
    this.#client.options.reconnectPeriod = reconnectMs;
    const { topics, onConnected } = this.#settings;
    if (topics.length > 0) this.#client.subscribe([...topics], { qos: 0 }, () => {});
    onConnected();
  }

  #onClose(): void {
    const { reconnectPeriod = reconnectMs } = this.#client.options;
    this.#client.options.reconnectPeriod = Math.min(reconnectPeriod * 2, reconnectMsMax);
    this.#settings.onLost();
  }
}

function addressOf({ url, ca }: BrokerSettings): Address {
  const secure = url.protocol === 'mqtts:';
  const port = url.port === '' ? (secure ? 8883 : 1883) : Number(url.port);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port, tls: secure ? { ca } : null };
}
