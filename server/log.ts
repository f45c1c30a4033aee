import { type LogFn, type Logger, pino, stdTimeFunctions } from 'pino';

export interface LogSettings {
  level: string;
  /** `json`: a line of JSON an entry; `text`: for people. */
  format: 'json' | 'text';
  /** For `text`: in a terminal. */
  colour: boolean;
}

/** Fields that hold secrets or what strangers sent, whoever logs them. */
const hiddenNames = new Set([
  ...['authorization', 'body', 'cookie', 'cookies', 'detail', 'headers', 'params', 'parameters', 'password'],
  ...['query', 'rawheaders', 'secret', 'sql', 'token', 'values'],
]);
const hidden = '[hidden]';
const depthMax = 4;

/**
 * What our secrets look like. Whatever put one into a line, it does not leave. A line is JSON, so that a letter before
 * a secret may be the end of an escape such as `\\n`.
 */
const secretShapes: readonly [RegExp, string][] = [
  // API keys and the secrets of logins, in their own prefixes; webhook secrets.
  [/(?:pst[a-z]|whsec)_[A-Za-z0-9+/=_-]{8,}/g, hidden],
  // A pass, as long as Base45 goes on (RFC 9285).
  [/PSN1:[0-9A-Z $%*+./:-]{8,}/g, hidden],
  // A link's secret: 32 characters of lower-case Base32.
  [/(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt]))[a-z2-7]{32}(?![A-Za-z0-9])/g, hidden],
  // Credentials in headers (RFC 9110 §11.4), and the page's cookie.
  [/(KISI-[A-Z-]+|Bearer|Basic) +[^\s"\\,]+/gi, `$1 ${hidden}`],
  [/(__Host-[\w-]+)=[^\s;"\\]+/g, `$1=${hidden}`],
  // User and password in an address (RFC 3986 §3.2.1).
  [/:\/\/[^\s/@"\\]*@/g, `://${hidden}@`],
];

/** What each of those shapes begins with or is made of: most lines hold nothing of the kind, and one look says so. */
const mayHoldSecret = /[a-z2-7]{32}|pst[a-z]_|whsec_|PSN1:|KISI-|Bearer|Basic|__Host-|:\/\//i;

/** A logger that writes whole lines. Secrets are left out three times: by name, by what an error may say, by shape. */
export async function openLog(settings: LogSettings, write: (line: string) => void): Promise<Logger> {
  const { level, format, colour } = settings;
  const readable = format === 'text' ? await prettifier(colour) : (line: string) => line;
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    serializers: { err: (shown: unknown) => shown },
    hooks: { logMethod: withSentence },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: object) => shownFields(fields, 0),
    },
  };
  return pino(options, { write: (line: string) => write(readable(withoutSecrets(line))) });
}

/** Collects what one turn of the event loop writes: a busy server would otherwise call the system for every line. */
export function oncePerTurn(write: (lines: string) => void): { later(line: string): void; now(): void } {
  let lines = '';
  const now = () => {
    if (lines !== '') write(lines);
    lines = '';
  };
  const later = (line: string) => {
    if (lines === '') setImmediate(now);
    lines += line;
  };
  return { later, now };
}

/** An error on its own would be the line's sentence as well, as it is. */
function withSentence(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  const [first] = args as unknown[]; // pino's own overloads
  if (first instanceof Error && args.length === 1) method.call(this, { err: first }, 'an error');
  else method.apply(this, args);
}

/** Loaded only where somebody reads along. */
async function prettifier(colour: boolean): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({ colorize: colour, singleLine: true, translateTime: 'SYS:HH:MM:ss.l' });
  return (line) => pretty(line) ?? line;
}

function withoutSecrets(line: string): string {
  if (!mayHoldSecret.test(line)) return line;
  let shown = line;
  for (const [shape, instead] of secretShapes) shown = shown.replace(shape, instead);
  return shown;
}

function shownFields(fields: object, depth: number): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    shown[name] = hiddenNames.has(name.toLowerCase()) ? hidden : shownValue(value, depth);
  }
  return shown;
}

function shownValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return shownError(value, depth);
  if (depth >= depthMax) return hidden;
  if (Array.isArray(value)) return value.map((each) => shownValue(each, depth + 1));
  if (value instanceof Date) return value;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return shownFields(value, depth + 1);
  // A request, a socket, a client of a database: who knows what hangs on it.
  return `[${value.constructor.name}]`;
}

/**
 * Of an error: its kind, its codes, its sentence and where it happened. Never what PostgreSQL, node:http and others
 * attach: the row (`detail`), the statement, its parameters, headers, the address of the request.
 */
function shownError(error: Error, depth: number): unknown {
  const { code, constraint, table, cause, errors, stack = '' } = error as Partial<AttachedFields>; // read, not believed
  return {
    type: error.constructor.name,
    message: shownMessage(error, code),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof constraint === 'string' ? { constraint } : {}),
    ...(typeof table === 'string' ? { table } : {}),
    stack: String(stack)
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n'),
    ...(cause === undefined || depth >= depthMax ? {} : { cause: shownValue(cause, depth + 1) }),
    ...(Array.isArray(errors) && depth < depthMax ? { errors: shownValue(errors, depth + 1) } : {}),
  };
}

type AttachedFields = Record<'code' | 'constraint' | 'table' | 'cause' | 'errors' | 'stack', unknown>;

/** What an error quotes is what somebody sent: a parser its input, PostgreSQL a value (SQLSTATE class 22), fetch an address. */
function shownMessage({ message }: Error, code: unknown): string {
  const withoutPaths = message.replace(/([a-z][a-z0-9+.-]*:\/\/)([^\s/?#"'<>]*)[^\s"'<>]*/gi, '$1$2/…');
  const quotes = /JSON|parse/.test(message) || (typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code));
  if (!quotes) return withoutPaths;
  return withoutPaths.replace(/(["'`])[\s\S]*\1/g, '…').replace(/(from|: ) *.*$/s, '$1…');
}
