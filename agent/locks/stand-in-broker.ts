import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { connectAsync, type MqttClient } from 'mqtt';

/** What a device on the broker listens to, what its last will is, and what it does. */
export interface MqttDevice {
  topic: string;
  will?: { topic: string; payload: string; alive: string };
  obey(payload: string, broker: StandInBroker): void;
}

/** A real broker with one device on it, and a line to it that can fall silent. */
export class StandInBroker {
  /** Where agents connect. */
  url = '';
  port = 0;
  released = false;
  gone = false;
  readonly moved: { command_id?: string; pulse_ms?: number }[] = [];
  /** Every command that the broker was given, by whomever. */
  readonly commands: { topic: string; payload: string; retain: boolean; qos: number }[] = [];

  readonly #aedes: Aedes;
  readonly #inner: Server;
  readonly #outer: Server;
  readonly #sockets = new Set<Socket>();
  #device: MqttClient | null = null;
  #silent = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(aedes: Aedes) {
    this.#aedes = aedes;
    this.#inner = createServer((socket) => aedes.handle(socket));
    this.#outer = createServer((socket) => this.#forward(socket));
    aedes.on('publish', ({ topic, payload, retain, qos }, client) => {
      if (client !== null && !client.id.startsWith('device'))
        this.commands.push({ topic, payload: payload.toString(), retain, qos });
    });
  }

  static async start(device: MqttDevice, password: string | null = null): Promise<StandInBroker> {
    const aedes = await Aedes.createBroker();
    const broker = new StandInBroker(aedes);
    if (password !== null) {
      aedes.authenticate = (client, user, given, done) => {
        const welcome = client.id.startsWith('device') || (user === 'door' && String(given) === password);
        done(null, welcome);
      };
    }
    for (const server of [broker.#inner, broker.#outer]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    }
    broker.port = portOf(broker.#outer);
    broker.url = `mqtt://127.0.0.1:${broker.port}`;
    await broker.plugIn(device);
    return broker;
  }

  async plugIn({ topic, will, obey }: MqttDevice): Promise<void> {
    const last = will && {
      topic: will.topic,
      payload: Buffer.from(will.payload),
      qos: 0 as const,
      retain: true,
    };
    const url = `mqtt://127.0.0.1:${portOf(this.#inner)}`;
    const device = await connectAsync(url, { clientId: 'device', ...(last ? { will: last } : {}) });
    this.#device = device;
    device.on('message', (_topic, payload) => obey(payload.toString(), this));
    await device.subscribeAsync(topic);
    if (will) await device.publishAsync(will.topic, will.alive, { retain: true, qos: 1 });
  }

  /** When the device has done what the broker had been given by now. */
  async settled(): Promise<void> {
    await this.#device?.subscribeAsync('settled');
  }

  /** The device vanishes: its last will is told. */
  pullOut(): void {
    this.#device?.stream.destroy();
    this.#device?.end(true);
    this.#device = null;
  }

  say(topic: string, payload: string, retain = false): void {
    this.#device?.publish(topic, payload, { retain });
  }

  release(what: { command_id?: string; pulse_ms?: number }): void {
    this.released = true;
    this.moved.push(what);
  }

  /** The device's own timer. */
  relockAfter(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.released = false;
      then();
    }, ms);
  }

  /** The line stays up, and nothing goes through it any more. */
  silence(): void {
    this.#silent = true;
  }

  speak(): void {
    this.#silent = false;
  }

  /** The line goes down; whoever wants it back must connect again. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#outer.close();
  }

  async heal(port: number): Promise<void> {
    this.#silent = false;
    this.#outer.listen(port, '127.0.0.1');
    await once(this.#outer, 'listening');
  }

  /** How the first connection of an agent broke. */
  readonly ended = Promise.withResolvers<unknown>();

  async close(): Promise<void> {
    if (this.gone) return;
    this.gone = true;
    clearTimeout(this.#timer);
    this.pullOut();
    for (const socket of this.#sockets) socket.destroy();
    const ended = Promise.withResolvers<void>();
    this.#aedes.close(() => ended.resolve());
    this.#inner.close();
    this.#outer.close();
    await ended.promise;
  }

  #forward(socket: Socket): void {
    const upstream = connect(portOf(this.#inner), '127.0.0.1');
    this.#sockets.add(socket);
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (portion) => this.#silent || to.write(portion));
      from.on('close', () => to.destroy());
    };
    upstream.on('error', () => {});
    socket.on('error', (error) => this.ended.resolve('code' in error && error.code));
    socket.on('close', () => {
      this.ended.resolve('an ordinary end');
      this.#sockets.delete(socket);
    });
    pass(socket, upstream);
    pass(upstream, socket);
  }
}

function portOf(server: Server): number {
  // A server that listens on TCP has an AddressInfo for an address.
  return (server.address() as AddressInfo).port;
}

export const plainMqttRelay: MqttDevice = {
  topic: 'relay/do',
  obey(payload, broker) {
    const { on, ms, command } = JSON.parse(payload);
    if (on) broker.release({ command_id: command, pulse_ms: ms });
    else broker.released = false;
    broker.say('relay/is', JSON.stringify({ on }));
  },
};

/** Zigbee2MQTT with a device that is a lock or a relay, as it is told. */
export const zigbee2mqtt: MqttDevice = {
  topic: 'zigbee2mqtt/Front door/set',
  will: { topic: 'zigbee2mqtt/bridge/state', payload: '{"state":"offline"}', alive: '{"state":"online"}' },
  obey(payload, broker) {
    const { state, on_time } = JSON.parse(payload);
    if (state === 'UNLOCK') broker.release({});
    else if (state === 'ON') broker.release({ pulse_ms: on_time * 1_000 });
    else broker.released = false;
    broker.say('zigbee2mqtt/Front door', JSON.stringify({ state, linkquality: 120 }));
  },
};

/** ESPHome says a state once, retained, and again only when it has become another. */
export const esphomeLock: MqttDevice = {
  topic: 'porch/lock/strike/command',
  will: { topic: 'porch/status', payload: 'offline', alive: 'online' },
  obey(payload, broker) {
    const before = broker.released;
    if (payload.toUpperCase() === 'UNLOCK') broker.release({});
    else broker.released = false;
    if (before !== broker.released)
      broker.say('porch/lock/strike/state', broker.released ? 'UNLOCKED' : 'LOCKED', true);
  },
};

/** Tasmota with one relay, whose topic has no number then. */
export const tasmota: MqttDevice = {
  topic: 'cmnd/porch/Backlog0',
  will: { topic: 'tele/porch/LWT', payload: 'Offline', alive: 'Online' },
  obey(payload, broker) {
    const [, time = ''] = /^PulseTime1 (\d+); Power1 ON$/.exec(payload) ?? [];
    const pulse_ms = Number(time) <= 111 ? Number(time) * 100 : (Number(time) - 100) * 1_000;
    broker.release({ pulse_ms });
    broker.say('stat/porch/POWER', 'ON');
    broker.relockAfter(pulse_ms, () => broker.say('stat/porch/POWER', 'OFF'));
  },
};
