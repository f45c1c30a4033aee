import { LockConfig } from '../agent/locks/drivers.ts';
import { lockTimeoutMs } from '../agent/locks/lock.ts';
import { relockAttemptsMax } from '../agent/locks/relock.ts';
import { ReaderConfig } from '../agent/readers/drivers.ts';

export const driversIntroduction = `What the agent's file may say about a lock or a reader: one of these, told apart by \`driver\`. How to add one:
[write a driver](../start/write-a-driver.md). The settings of a reader stand beside its \`name\`.

**Not tried on hardware.** These drivers are tested against a real broker, real sockets and real terminals, with imitations of the devices made from
their documentation. None was tried on a Shelly, a Zigbee lock, an ESPHome or Tasmota relay, Home Assistant, or a scanner. Try each door with
\`postern agent check\` and a pulse before you rely on it.`;

/** The part of JSON Schema that descriptions are read from. */
interface Described {
  const?: unknown;
  description?: string;
  properties?: Record<string, Described>;
  required?: string[];
  anyOf?: Described[];
}

export function driversPageLines(): string[] {
  return [
    '## Locks',
    '',
    `Every command has ${lockTimeoutMs / 1_000} seconds. What was sent and not answered by then is \`unknown\`, and what is left of it on this machine is thrown away;`,
    'what never left, or was refused, is `not_done`. A lock that the agent must lock again is tried',
    `${relockAttemptsMax} times, then the log says that it stands released. Secrets are in files of their own that only the agent can read.`,
    '',
    ...drivers(LockConfig, lockWords),
    '## Readers',
    '',
    ...drivers(ReaderConfig, readerWords),
  ];
}

function drivers(union: unknown, words: Record<string, Words>): string[] {
  // Through JSON, so that what is read is what a checker of the file would read.
  const { anyOf = [] }: Described = JSON.parse(JSON.stringify(union));
  return anyOf.flatMap((schema) => {
    const name = String(schema.properties?.['driver']?.const);
    const { what, example } = words[name] ?? { what: '', example: {} };
    const rows = settings(schema, '').filter((row) => !row.startsWith('| `driver`'));
    return [
      `### \`${name}\``,
      '',
      ...what,
      '',
      '```json',
      JSON.stringify({ driver: name, ...example }, null, 2),
      '```',
      '',
      ...(rows.length === 0 ? [] : ['| setting | needed | what is expected |', '|---|---|---|', ...rows, '']),
    ];
  });
}

function settings({ properties = {}, required = [] }: Described, under: string): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const row = `| \`${under}${name}\` | ${required.includes(name) ? 'yes' : ''} | ${schema.description ?? ''} |`;
    return [row, ...settings(schema, `${under}${name}.`)];
  });
}

interface Words {
  what: string[];
  example: object;
}

const lockWords: Record<string, Words> = {
  simulated: {
    what: ['A lock made of paper: it writes a line to `pulses.log` in the agent’s folder.'],
    example: {},
  },
  http: {
    what: [
      'Any device that takes requests. `url`, `headers` and `body` may say `{pulse_ms}`, `{pulse_s}`, `{command_id}` and `{door_id}`, and `{token}` where a',
      '`token_file` is named; `relock` and `check` only the last two. Values are written as the place needs it: in an address, in JSON, in a form. In a',
      '`body` that is an object, a text that is nothing but a number’s template becomes the number. Redirects are not followed. A status from 200 to 299 is',
      '`done`; 502 and 504 are `unknown`, because a gateway speaks there; every other status is `not_done`.',
      '',
      'Without `relock` the device must end the pulse by itself, and it is the better choice: it does so when the agent is cut off, too.',
    ],
    example: {
      unlock: { url: 'http://192.168.1.20/relay?turn=on&timer={pulse_s}' },
      check: { url: 'http://192.168.1.20/status', expect: { field: 'relay' } },
    },
  },
  shelly: {
    what: [
      'Shelly, second generation and later (Plus, Pro, Gen3, Gen4), by `Switch.Set` with `toggle_after`: the device ends the pulse by itself. Set its',
      'power-on state to "off", so that a power cut leaves the door locked.',
    ],
    example: { url: 'http://192.168.1.20', password_file: '/etc/postern/shelly-password' },
  },
  home_assistant: {
    what: [
      'An entity of Home Assistant. It answers when the lock has finished, which a motor or a slow radio may take longer for than two seconds: then the',
      'outcome is `unknown`, and the door opens. A switch or lock is locked again by the agent; a `script` may do all of it in Home Assistant.',
    ],
    example: {
      url: 'https://home.example.org',
      entity: 'lock.front_door',
      token_file: '/etc/postern/home-assistant-token',
    },
  },
  mqtt: {
    what: [
      'Any device on a broker. Commands are sent with quality of service 0, not retained, and only over a connection that is there: nothing is sent later.',
      'With `state`, `done` is what the lock itself reports after the command. Without it nobody knows, and the outcome is `unknown`, unless `assume_done` says that',
      'a command which the broker took may count as done. A message of the state that the broker had kept is reported, and confirms nothing.',
      '',
      '`unlock_payload` may say `{pulse_ms}`, `{pulse_s}`, `{command_id}` and `{door_id}`; `relock_payload` only the last. `contact` makes the door’s own',
      'sensor known, with every driver over MQTT.',
    ],
    example: {
      url: 'mqtts://broker.example.org',
      user: 'door',
      password_file: '/etc/postern/mqtt-password',
      command_topic: 'garage/relay/set',
      unlock_payload: 'ON',
      relock_payload: 'OFF',
      state: { topic: 'garage/relay', unlocked: 'ON', locked: 'OFF' },
      contact: { topic: 'garage/door', field: 'contact', open: 'false', closed: 'true' },
    },
  },
  zigbee2mqtt: {
    what: [
      'A lock or a relay of Zigbee2MQTT. A relay is told how long (`on_time`) and told to end as well, for those that do not know it.',
    ],
    example: {
      url: 'mqtt://192.168.1.5',
      device: 'Front door',
      kind: 'lock',
      contact: { topic: 'zigbee2mqtt/Front door contact', field: 'contact', open: 'false', closed: 'true' },
    },
  },
  esphome: {
    what: [
      'A lock, switch or button of an ESPHome node with its `mqtt:` component. A button whose action ends the pulse on the node keeps that promise without',
      'the agent; it reports nothing, so its outcome is `unknown` unless `assume_done` is set.',
    ],
    example: {
      url: 'mqtt://192.168.1.5',
      topic_prefix: 'porch',
      kind: 'lock',
      id: 'strike',
      contact: { topic: 'porch/binary_sensor/door/state', open: 'ON', closed: 'OFF' },
    },
  },
  tasmota: {
    what: [
      'A relay with Tasmota 9 or later. The length of the pulse (`PulseTime`, in tenths of a second up to 11.1 s, then in whole seconds, rounded up) travels in',
      'the message of the command, and the device ends it by itself. Set `PowerOnState 0`.',
    ],
    example: { url: 'mqtt://192.168.1.5', topic: 'porch' },
  },
};

const readerWords: Record<string, Words> = {
  simulated: {
    what: ['A reader made of paper: the `tcp` driver on this machine only. `postern scan` presents to it.'],
    example: {},
  },
  serial: {
    what: [
      'A scanner that sends lines over USB (as a serial port) or a UART. A line ends in LF, CR or CR LF. It may be pulled out and comes back. It needs `stty`, and the',
      'agent’s user in the group `dialout`. A scanner that poses as a keyboard must be switched to its serial mode with the code in its manual.',
    ],
    example: { path: '/dev/serial/by-id/usb-Scanner-if00' },
  },
  tcp: {
    what: [
      'A client sends a text as a line and gets a line back: `granted`, `denied <reason>`, `repeated` or `unreadable`. Whoever may connect has the eyes of the reader:',
      'nobody but this machine does unless `host` and `allow` say so, and the line is neither encrypted nor authenticated.',
    ],
    example: { port: 7_340, host: '192.168.1.10', allow: ['192.168.1.30'] },
  },
  stdin: {
    what: [
      'Lines from the standard input of the agent, which ends quietly. At most one reader of an agent. It shows nothing.',
    ],
    example: {},
  },
};
