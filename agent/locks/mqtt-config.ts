import { type Static, Type } from 'typebox';
import { CaFile } from './http-config.ts';

/** A topic without wildcards: a command goes to one device, and what is read is said by one sensor. */
export const topicPattern = '^[^#+$\\u0000-\\u001f][^#+\\u0000-\\u001f]*$';

const Topic = (what: string) =>
  Type.String({
    pattern: topicPattern,
    maxLength: 1_000,
    description: `${what}, without the wildcards + and #`,
  });

const Word = (what: string) => Type.String({ minLength: 1, maxLength: 1_000, description: what });

const Field = Type.Optional(
  Word('the field of a JSON message that says it, such as "contact"; absent: the whole message says it'),
);

/** Where a broker is, and who says so. */
export const brokerFields = {
  url: Type.String({
    pattern: '^mqtts?://[^/@?#]+/?$',
    description: 'an mqtt or mqtts address without user and password, such as "mqtt://192.168.1.5:1883"',
  }),
  user: Type.Optional(Word('the user name at the broker')),
  password_file: Type.Optional(Word('the path of a file with the password at the broker')),
  ca_file: CaFile,
};

export const Contact = Type.Object(
  {
    topic: Topic('the topic on which the door’s contact reports'),
    field: Field,
    open: Word('what it says when the door is open'),
    closed: Word('what it says when the door is closed'),
  },
  { additionalProperties: false, description: 'the contact sensor of the door, on the same broker' },
);

/** What every lock over MQTT may have beside. */
export const commonFields = { ...brokerFields, contact: Type.Optional(Contact) };

export const State = Type.Object(
  {
    topic: Topic('the topic on which the lock or relay reports'),
    field: Field,
    unlocked: Word('what it says when it is released'),
    locked: Word('what it says when it is locked'),
  },
  { additionalProperties: false, description: 'what the lock itself reports: it confirms each command' },
);

export const AssumeDone = Type.Optional(
  Type.Boolean({
    description:
      'true: a command that the broker took counts as done, although no device confirmed it; false (the default): as unknown',
  }),
);

export const MqttLockConfig = Type.Object({
  driver: Type.Literal('mqtt'),
  ...commonFields,
  command_topic: Topic('the topic that takes commands'),
  unlock_payload: Word(
    'the message that releases the lock, such as "ON" or {"state":"ON","on_time":{pulse_s}}',
  ),
  relock_payload: Type.Optional(
    Word(
      'the message that locks again, sent when the pulse is over; absent: the device locks again by itself',
    ),
  ),
  state: Type.Optional(State),
  assume_done: AssumeDone,
});
export type MqttLockConfig = Static<typeof MqttLockConfig>;

export const Zigbee2mqttLockConfig = Type.Object({
  driver: Type.Literal('zigbee2mqtt'),
  ...commonFields,
  base_topic: Type.Optional(Topic('the base topic of Zigbee2MQTT; "zigbee2mqtt" if absent')),
  device: Topic('the friendly name of the device'),
  kind: Type.Union([Type.Literal('lock'), Type.Literal('relay')], {
    description: '"lock" for a door lock, "relay" for a switch',
  }),
});
export type Zigbee2mqttLockConfig = Static<typeof Zigbee2mqttLockConfig>;

export const EsphomeLockConfig = Type.Object({
  driver: Type.Literal('esphome'),
  ...commonFields,
  topic_prefix: Topic('the topic prefix of the node, by default its name'),
  kind: Type.Union([Type.Literal('lock'), Type.Literal('switch'), Type.Literal('button')], {
    description: '"lock" or "switch" (locked again by the agent), or "button" (the node ends the pulse)',
  }),
  id: Topic('the object id of that component, as in its topics'),
  assume_done: AssumeDone,
});
export type EsphomeLockConfig = Static<typeof EsphomeLockConfig>;

export const TasmotaLockConfig = Type.Object({
  driver: Type.Literal('tasmota'),
  ...commonFields,
  topic: Topic('the topic of the device; its full topic is the usual %prefix%/%topic%/'),
  relay: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 8,
      description: 'the number of the relay, from 1 (the default) to 8',
    }),
  ),
});
export type TasmotaLockConfig = Static<typeof TasmotaLockConfig>;
