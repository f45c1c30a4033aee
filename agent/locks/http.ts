import { authorities } from './dial.ts';
import { type Answer, exchange, NoAnswer, type Outgoing, type Trust } from './exchange.ts';
import { fieldOf, parsedJson } from './fields.ts';
import { type Expected, type HttpLockConfig, type TemplatedRequest, urlPattern } from './http-config.ts';
import { type Lock, type LockParts, lockTimeoutMs, type Moved, type Pulse } from './lock.ts';
import { Relocker } from './relock.ts';
import { readSecret, readText } from './secret.ts';
import { checkNames, fill, fillJson, type TemplateValues } from './template.ts';
import { Turns } from './turns.ts';

/** Turns a good answer to the check into words about the device. */
export type Describe = (answer: unknown) => string;

/**
 * A lock behind requests of any shape. A refusal (a status below 500) or a connection that was never made is "did not move"; a request
 * that was sent and not answered is `unknown`. Rejects when a file cannot be read or a template asks for what there is not.
 */
export async function openHttpLock(
  config: HttpLockConfig,
  parts: LockParts,
  describe: Describe = () => '',
): Promise<Lock> {
  const token = await readSecret(config.token_file, 'token_file');
  const password = await readSecret(config.password_file, 'password_file');
  const user = config.user ?? 'admin';
  const ca_file = await readText(config.ca_file, 'ca_file');
  const values = { door_id: parts.door.id, ...(token === null ? {} : { token }) };
  checkRequests(config, values);
  return new HttpLock({
    config,
    parts,
    describe,
    values,
    headers: defaultHeaders(config, token, password === null ? null : { user, password }),
    trust: {
      ca: usesTls(config) ? authorities(ca_file) : [],
      credentials:
        config.authentication === 'digest' && password !== null
          ? { user, password, nonce: parts.nonce }
          : null,
    },
  });
}

interface HttpLockSettings {
  config: HttpLockConfig;
  parts: LockParts;
  describe: Describe;
  values: TemplateValues;
  headers: Record<string, string>;
  trust: Trust;
}

class HttpLock implements Lock {
  readonly #settings: HttpLockSettings;
  readonly #turns = new Turns();
  readonly #relocker: Relocker | null;
  #closed = false;

  constructor(settings: HttpLockSettings) {
    this.#settings = settings;
    const { relock } = settings.config;
    this.#relocker = relock === undefined ? null : new Relocker(settings.parts, () => this.#relock(relock));
  }

  async pulse(pulse: Pulse): Promise<Moved> {
    const signal = AbortSignal.timeout(lockTimeoutMs);
    return this.#turns.take(signal, () => this.#unlock(pulse, signal));
  }

  async check(): Promise<string> {
    const { config, describe } = this.#settings;
    const where = `requests to ${new URL(config.unlock.url).origin}`;
    const relocks =
      config.relock === undefined
        ? 'the device locks again by itself'
        : 'the agent locks again after the pulse';
    if (config.check === undefined) return `${where}, which were not tried (no "check" is set); ${relocks}`;
    const signal = AbortSignal.timeout(lockTimeoutMs);
    const answer = await this.#send({ method: 'GET', ...config.check }, this.#settings.values, signal);
    return `${where}, which answers${describe(parsedJson(answer.text))}; ${relocks}`;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turns.over();
    await this.#relocker?.close();
  }

  async #unlock({ command_id, pulse_ms }: Pulse, signal: AbortSignal): Promise<Moved> {
    if (this.#closed) throw new Error('The lock is closed.');
    const values = { ...this.#settings.values, command_id, pulse_ms, pulse_s: pulse_ms / 1_000 };
    this.#relocker?.before();
    try {
      await this.#send(this.#settings.config.unlock, values, signal);
      this.#relocker?.released(pulse_ms);
      return 'done';
    } catch (error) {
      const moved = error instanceof NoAnswer;
      if (moved || error instanceof Failed) this.#relocker?.released(pulse_ms);
      else this.#relocker?.never();
      if (moved) return 'unknown';
      throw error;
    }
  }

  async #relock(request: TemplatedRequest): Promise<void> {
    const signal = AbortSignal.timeout(lockTimeoutMs);
    await this.#turns.take(signal, () => this.#send(request, this.#settings.values, signal));
  }

  async #send(request: TemplatedRequest, values: TemplateValues, signal: AbortSignal): Promise<Answer> {
    const { headers, trust } = this.#settings;
    const answer = await exchange(outgoing(request, values, headers), trust, signal);
    judge(answer, new URL(request.url).origin, request.expect);
    return answer;
  }
}

/** The device refused, or says that it failed: it should not have moved, but it is locked again to be sure. */
class Failed extends Error {}

function judge({ status, text, complete }: Answer, where: string, expected: Expected | undefined): void {
  if (status === 502 || status === 504)
    throw new NoAnswer(`${where} answered ${status} for a device behind it.`);
  if (status >= 500) throw new Failed(`${where} answered with status ${status}.`);
  if (status < 200 || status > 299) throw new Error(`${where} answered with status ${status}.`);
  if (expected === undefined || asExpected(text, expected)) return;
  if (!complete) throw new NoAnswer(`The answer of ${where} broke off.`);
  throw new Failed(`${where} answered, but not what was expected.`);
}

function asExpected(answer: string, { text, field, equals }: Expected): boolean {
  if (text !== undefined && !answer.includes(text)) return false;
  if (field === undefined) return true;
  const found = fieldOf(parsedJson(answer), field);
  return equals === undefined ? found !== undefined : found === equals;
}

function outgoing(
  { method = 'POST', url, headers = {}, body }: TemplatedRequest,
  values: TemplateValues,
  defaults: Record<string, string>,
): Outgoing {
  const filled: Record<string, string> = { ...defaults };
  if (typeof body === 'object') filled['content-type'] = 'application/json';
  for (const [name, text] of Object.entries(headers))
    filled[name.toLowerCase()] = fill(text, values, 'header');
  return {
    method,
    url: new URL(fill(url, values, 'url')),
    headers: filled,
    body: body === undefined ? undefined : filledBody(body, values, filled['content-type'] ?? ''),
  };
}

function filledBody(body: string | Record<string, unknown>, values: TemplateValues, type: string): string {
  if (typeof body === 'object') return JSON.stringify(fillJson(body, values));
  if (type.includes('json')) return fill(body, values, 'json');
  return fill(body, values, type.includes('form-urlencoded') ? 'form' : 'plain');
}

function defaultHeaders(
  config: HttpLockConfig,
  token: string | null,
  basic: { user: string; password: string } | null,
): Record<string, string> {
  const requests = [config.unlock, config.relock, config.check];
  if (token !== null && !requests.some((request) => JSON.stringify(request ?? '').includes('{token}')))
    return { authorization: `Bearer ${token}` };
  if (config.authentication !== 'basic' || basic === null) return {};
  const pair = Buffer.from(`${basic.user}:${basic.password}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}

function usesTls({ unlock, relock, check }: HttpLockConfig): boolean {
  return [unlock, relock, check].some((request) => request?.url.startsWith('https:') ?? false);
}

function checkRequests(config: HttpLockConfig, values: TemplateValues): void {
  if ((config.authentication === undefined) !== (config.password_file === undefined))
    throw new Error('authentication and password_file go together: set both, or neither.');
  const pulse = { command_id: '', pulse_ms: 1, pulse_s: 1 };
  const { unlock, relock, check } = config;
  const named = { unlock, relock, check };
  for (const [name, request] of Object.entries(named)) {
    if (request === undefined) continue;
    const known = name === 'unlock' ? { ...values, ...pulse } : values;
    checkNames(JSON.stringify(request), known, name);
    if (!new RegExp(urlPattern).test(request.url) || !URL.canParse(fill(request.url, known, 'url')))
      throw new Error(
        `${name}: its url is no http or https address without user, password and templates before the path.`,
      );
  }
}
