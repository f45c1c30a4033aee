import type { OperationObject, Parameter } from '../domain/openapi/document.ts';
import type { Schema } from '../domain/openapi/schema.ts';
import { randomFrom } from './seed.ts';

/** A request as a stranger to the code would make it from the document alone, or to break it. */
export interface MadeRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

export interface Target {
  method: string;
  template: string;
  operation: OperationObject;
}

/** Values that have broken programs: quotes, markup, other encodings, prototypes, edges of numbers and of Unicode. */
const hostileTexts = [
  '',
  ' ',
  "' or 1=1 --",
  '"; drop table links; --',
  '<script>alert(1)</script>',
  '{{7*7}}#{7*7}',
  '../../../etc/passwd',
  '\\..\\..\\x',
  '%00%0a%2e%2e%2f',
  'a\u0000b',
  'a\r\nSet-Cookie: x=1',
  '\ud800',
  '\u202egnp.exe',
  'e\u0301'.repeat(300),
  '👩‍👩‍👧‍👦'.repeat(60),
  '__proto__',
  'constructor',
  'toString',
  'null',
  'true',
  'NaN',
  '1e400',
  '0x10',
  '-0',
  '१२३',
  '9007199254740993',
  '2026-02-30T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '0000-01-01T00:00:00Z',
  'P99999999Y/2026-12-01T00:00:00Z',
  'x'.repeat(5_000),
  '%',
  '_',
  '%_\\',
];
/** Much of it in one line that is a good name: whoever stumbles over any of it stumbles. */
const everythingAtOnce = `O'Neil "x" <b onclick=1>&amp; %_\\ ;-- #{7*7} \`$(id)\` ../ 100% ​Ⅷ ß ﬃ İ 👩‍👧`;
const hostileValues: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  9_007_199_254_740_992,
  [],
  {},
  [[]],
  [null],
  { $gt: '' },
  { length: -1 },
  nested(200),
];
const hostileBodies = [
  '{',
  '[]',
  'null',
  '"text"',
  '0',
  '{"a":1,"a":2}',
  '{"__proto__":{"admin":true}}',
  '{"constructor":{"prototype":{}}}',
  '\ufeff{}',
  '\u0000',
  '{"x":"\\ud800"}',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `{"x":"${'y'.repeat(70_000)}"}`,
];
const hostileHeaders: [string, string][] = [
  ['content-type', 'text/plain'],
  ['content-type', 'application/json; charset=utf-16'],
  ['content-type', ';;;'],
  ['accept', 'x/y;q=nonsense'],
  ['accept-encoding', 'gzip;q=0, br, \u00ff'],
  ['idempotency-key', 'x'.repeat(3_000)],
  ['idempotency-key', '\u00e4\u0001'.replace('\u0001', '\t')],
  ['last-event-id', '-1'],
  ['last-event-id', '99999999999999999999'],
  ['if-none-match', '*'],
  ['cookie', '__Host-postern-1=x; =; ;;; a'],
  ['x-forwarded-for', "1.2.3.4, ' or 1=1"],
  ['x-request-id', '{{7*7}}'.repeat(50)],
  ['origin', 'null'],
  ['sec-fetch-site', 'cross-site'],
  ['authorization', 'KISI-LOGIN'],
  ['authorization', 'Basic eDp5'],
  ['authorization', `Bearer ${'x'.repeat(4_000)}`],
];

/** Makes requests from the document: as it wants them, almost so, or to do harm. The same seed makes the same ones. */
export class Requests {
  readonly #random: () => number;
  /** Ids of things that are there, so that not everything is answered 404. */
  readonly #ids: readonly number[];
  readonly #asset: string;

  constructor(seed: number, { ids, asset }: { ids: readonly number[]; asset: string }) {
    this.#random = randomFrom(seed);
    this.#ids = ids;
    this.#asset = asset;
  }

  /** Without a credential: who calls is another choice. */
  make({ method, template, operation }: Target): MadeRequest {
    const mood = this.pick(['valid', 'valid', 'near', 'hostile'] as const);
    const parameters = operation.parameters ?? [];
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => this.#segment(name, mood));
    const query = this.#query(
      parameters.filter((each) => each.in === 'query'),
      mood,
    );
    const headers: Record<string, string> = {};
    for (const { name, schema } of parameters.filter((each) => each.in === 'header'))
      if (this.#chance(0.5)) headers[name] = headerSafe(String(this.value(name, schema)));
    const made: MadeRequest = { method: method.toUpperCase(), path: path + query, headers };
    const schema = operation.requestBody?.content['application/json']?.schema;
    if (schema || (mood === 'hostile' && method !== 'get')) {
      headers['content-type'] = 'application/json';
      made.body = this.#body(schema ?? {}, mood);
    }
    if (mood === 'hostile' && this.#chance(0.5)) {
      const [name, value] = this.pick(hostileHeaders);
      headers[name] = headerSafe(value);
    }
    return made;
  }

  pick<Value>(values: readonly Value[]): Value {
    const found = values[Math.floor(this.#random() * values.length)];
    return found as Value; // the index is within
  }

  /** A value that the schema allows, mostly. */
  value(name: string, schema: Schema): unknown {
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return this.pick(schema.enum);
    if (schema.anyOf) return this.value(name, this.pick(schema.anyOf));
    const type = Array.isArray(schema.type) ? this.pick(schema.type) : schema.type;
    switch (type) {
      case 'null':
        return null;
      case 'boolean':
        return this.#chance(0.5);
      case 'integer':
      case 'number':
        return this.#number(name, schema, type);
      case 'string':
        return this.#text(name, schema);
      case 'array':
        return Array.from({ length: Math.floor(this.#random() * 3) + 1 }, () =>
          this.value(name.replace(/s$/, ''), schema.items ?? {}),
        );
      case 'object':
        return this.#object(schema);
      default:
        return structuredClone(this.pick(hostileValues));
    }
  }

  #object({ properties = {}, required = [], additionalProperties }: Schema): Record<string, unknown> {
    const chosen = Object.entries(properties).filter(
      ([name]) => required.includes(name) || this.#chance(0.5),
    );
    const fields = Object.fromEntries(chosen.map(([name, schema]) => [name, this.value(name, schema)]));
    if (typeof additionalProperties === 'object') fields['a key'] = this.value('key', additionalProperties);
    return fields;
  }

  #number(name: string, { minimum = 0, maximum = 1_000 }: Schema, type: string): number {
    if (/(^|_)ids?$/.test(name) && this.#chance(0.75)) return this.pick(this.#ids);
    const edge = this.pick([minimum, maximum, minimum + this.#random() * Math.min(maximum - minimum, 1_000)]);
    return type === 'integer' ? Math.round(edge) : edge;
  }

  /** What somebody would mean, or what nobody would and the schema allows all the same. */
  #text(name: string, { format, pattern, minLength = 0, maxLength = 200 }: Schema): string {
    const meant = formats[format ?? ''] ?? names[name];
    const known = meant ?? usual;
    if (this.#chance(meant ? 0.8 : 0.3)) return this.pick(known);
    const test = new RegExp(pattern ?? '', 'u');
    const fits = (text: string) => test.test(text) && text.length >= minLength && text.length <= maxLength;
    if (fits(everythingAtOnce) && this.#chance(0.5)) return everythingAtOnce;
    const fitting = [...usual, ...hostileTexts, 'x'.repeat(maxLength), String(this.pick(this.#ids))].filter(
      fits,
    );
    return this.pick(fitting.length > 0 ? fitting : known);
  }

  #segment(name: string, mood: string): string {
    if (mood === 'hostile' && this.#chance(0.3))
      return encodeURIComponent(this.pick(hostileTexts).slice(0, 400).toWellFormed()) || '0';
    if (name === 'id')
      return String(this.#chance(0.8) ? this.pick(this.#ids) : Math.floor(this.#random() * 1e16));
    return this.pick([this.#asset, 'not_found', 'f15a82', 'x']);
  }

  #query(parameters: readonly Parameter[], mood: string): string {
    const chosen = parameters.filter(({ required }) => required || this.#chance(0.4));
    const pairs = chosen.map(({ name, schema }) => {
      const value =
        mood !== 'valid' && this.#chance(0.4) ? this.pick(hostileTexts) : this.value(name, schema);
      return [name, String(value)] as const;
    });
    if (mood === 'hostile') pairs.push([this.pick(hostileTexts), this.pick(hostileTexts)]);
    const written = pairs.map((pair) =>
      pair.map((text) => encodeURIComponent(text.toWellFormed())).join('='),
    );
    return written.length > 0 ? `?${written.join('&')}` : '';
  }

  #body(schema: Schema, mood: string): string {
    if (mood === 'hostile' && this.#chance(0.4)) return this.pick(hostileBodies);
    const value = this.value('', schema);
    if (mood !== 'valid') this.#spoil(value);
    return JSON.stringify(value) ?? 'null';
  }

  /** Changes one thing about an object, at some depth: a field more, one less, another type, another value. */
  #spoil(value: unknown): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    const fields = value as Record<string, unknown>; // an object that is no array
    const [name] = Object.keys(fields).length > 0 ? [this.pick(Object.keys(fields))] : ['x'];
    if (this.#chance(0.5) && typeof fields[name ?? ''] === 'object') return this.#spoil(fields[name ?? '']);
    const change = this.pick([
      () => delete fields[name ?? ''],
      () => (fields[this.pick(hostileTexts)] = 1),
      () => (fields[name ?? ''] = this.pick(hostileTexts)),
      () => (fields[name ?? ''] = structuredClone(this.pick(hostileValues))),
      () => (fields[name ?? ''] = [fields[name ?? '']]),
    ]);
    change();
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }
}

const formats: Record<string, string[]> = {
  'date-time': ['2026-12-01T09:00:00Z', '2027-01-01T00:00:00+01:00', '2026-11-01T00:00:00.000Z'],
  date: ['2026-12-24', '2027-01-01'],
};

const usual = [
  'Robin Guest',
  'Zoë – 田中 & Ølga',
  '2026-12-01',
  '08:00',
  'lock.unlock',
  'correct horse battery',
];

/** What a text of this name looks like when somebody means it. */
const names: Record<string, string[]> = {
  email: ['robin@example.org', 'owner@test.invalid'],
  phone: ['+4930123456'],
  time_zone: ['Europe/Berlin', 'UTC'],
  interval: ['2026-11-20T00:00:00Z/P10D', 'P1D/2026-12-01T00:00:00Z'],
  cursor: ['5', '1'],
  ids: ['1,2,3', '1'],
  domain: ['test'],
  password: ['correct horse battery'],
  starts_at_time: ['08:00'],
  ends_at_time: ['18:00', '24:00'],
  start: ['08:00'],
  end: ['18:00'],
};

function nested(depth: number): unknown {
  return JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
}

/** As `fetch` accepts them: one line of Latin-1. */
function headerSafe(text: string): string {
  return text.replace(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '?').trim();
}
