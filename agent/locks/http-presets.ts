import { type Static, Type } from 'typebox';
import { fieldOf } from './fields.ts';
import { openHttpLock } from './http.ts';
import { CaFile, DeviceUrl, type HttpLockConfig } from './http-config.ts';
import type { Lock, LockParts } from './lock.ts';

/*
 * Devices whose requests are known, as settings of the http driver.
 */

export const ShellyLockConfig = Type.Object({
  driver: Type.Literal('shelly'),
  url: DeviceUrl,
  switch: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 15,
      description: 'the number of the relay, from 0 (the default) to 15',
    }),
  ),
  password_file: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'the path of a file with the device’s password, if it has one; its user is always "admin"',
    }),
  ),
  ca_file: CaFile,
});
export type ShellyLockConfig = Static<typeof ShellyLockConfig>;

/** Shelly of the second generation and later: the device ends the pulse by itself (`toggle_after`), with or without us. */
export function openShellyLock(config: ShellyLockConfig, parts: LockParts): Promise<Lock> {
  return openHttpLock(shellyRequests(config), parts, (answer) => {
    const on = fieldOf(answer, 'output') === true;
    return ` as a Shelly, relay ${config.switch ?? 0} ${on ? 'switched on' : 'switched off'}`;
  });
}

function shellyRequests({ url, switch: id = 0, password_file, ca_file }: ShellyLockConfig): HttpLockConfig {
  const rpc = `${withoutSlash(url)}/rpc`;
  return {
    driver: 'http',
    unlock: { url: `${rpc}/Switch.Set`, body: { id, on: true, toggle_after: '{pulse_s}' } },
    check: { url: `${rpc}/Switch.GetStatus?id=${id}`, expect: { field: 'output' } },
    ...(password_file === undefined ? {} : { authentication: 'digest', password_file }),
    ...(ca_file === undefined ? {} : { ca_file }),
  };
}

/** What to call for an entity; without `relock` it goes back by itself. */
const services: Record<string, { unlock: string; relock?: string }> = {
  lock: { unlock: 'lock/unlock', relock: 'lock/lock' },
  switch: { unlock: 'switch/turn_on', relock: 'switch/turn_off' },
  input_boolean: { unlock: 'input_boolean/turn_on', relock: 'input_boolean/turn_off' },
  button: { unlock: 'button/press' },
  input_button: { unlock: 'input_button/press' },
  script: { unlock: 'script/turn_on' },
};

export const HomeAssistantLockConfig = Type.Object({
  driver: Type.Literal('home_assistant'),
  url: DeviceUrl,
  entity: Type.String({
    pattern: `^(${Object.keys(services).join('|')})\\.[a-z0-9_]+$`,
    description:
      'an entity such as "lock.front_door": a lock, switch or input_boolean (locked again by the agent), or a button, input_button or script',
  }),
  token_file: Type.String({
    minLength: 1,
    description: 'the path of a file with a long-lived access token',
  }),
  ca_file: CaFile,
});
export type HomeAssistantLockConfig = Static<typeof HomeAssistantLockConfig>;

/** A lock that Home Assistant knows. It answers when the service is over, which some locks take longer for than we wait. */
export function openHomeAssistantLock(config: HomeAssistantLockConfig, parts: LockParts): Promise<Lock> {
  return openHttpLock(homeAssistantRequests(config), parts, (answer) => {
    const state = fieldOf(answer, 'state');
    if (state === 'unavailable') throw new Error(`Home Assistant says that ${config.entity} is unavailable.`);
    return ` as Home Assistant; ${config.entity} is "${String(state).slice(0, 40)}"`;
  });
}

function homeAssistantRequests(config: HomeAssistantLockConfig): HttpLockConfig {
  const { url, entity, token_file, ca_file } = config;
  const service = services[entity.split('.')[0] ?? ''];
  if (service === undefined) throw new Error(`entity: ${entity} is of no kind that can be a lock.`);
  const api = `${withoutSlash(url)}/api`;
  const call = (name: string) => ({ url: `${api}/services/${name}`, body: { entity_id: entity } });
  return {
    driver: 'http',
    unlock: call(service.unlock),
    ...(service.relock === undefined ? {} : { relock: call(service.relock) }),
    check: { url: `${api}/states/${entity}`, expect: { field: 'entity_id', equals: entity } },
    token_file,
    ...(ca_file === undefined ? {} : { ca_file }),
  };
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}
