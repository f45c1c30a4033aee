import { isIP, isIPv4 } from 'node:net';

/*
 * What settings are made of. Each function answers the value, or throws the end of a sentence that begins with the
 * setting's name.
 */

/** A setting that stops the start: the message says what to change. */
export class SettingError extends Error {}

export function isLoopback(host: string): boolean {
  return ['localhost', '::1', '[::1]'].includes(host) || (isIPv4(host) && host.startsWith('127.'));
}

export function expect(valid: boolean, text: string, expected: string): string {
  if (!valid) throw new Error(`is ${JSON.stringify(text)}, but must be ${expected}`);
  return text;
}

export function wholeNumber(text: string, min: number, max: number): number {
  expect(
    /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max,
    text,
    `a whole number from ${min} to ${max}`,
  );
  return Number(text);
}

export function oneOf<Choice extends string>(text: string, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === text);
  if (found === undefined)
    throw new Error(`is ${JSON.stringify(text)}, but must be one of ${choices.join(', ')}`);
  return found;
}

export function publicUrl(text: string): string {
  const url = URL.parse(text);
  const plain = url !== null && /^https?:$/.test(url.protocol) && url.username + url.password === '';
  const valid = plain && url.pathname === '/' && url.search + url.hash === '';
  if (!valid) {
    expect(
      false,
      plain ? text : '…',
      'an http or https address without a path, such as https://doors.example.org',
    );
  }
  return url?.origin ?? text;
}

/** An IP address or a CIDR range (RFC 4632, RFC 4291 §2.3). Never everybody. */
export function addressRange(text: string): string {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = isIP(address) === 6 ? 128 : 32;
  const hasPrefix = prefix !== undefined;
  const valid =
    isIP(address) > 0 &&
    !address.includes('%') &&
    rest.length === 0 &&
    (!hasPrefix || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
  expect(valid, text, 'addresses or ranges such as 127.0.0.1 or 10.1.0.0/24, with commas between them');
  expect(!hasPrefix || Number(prefix) > 0, text, "the addresses of your own proxies, not everybody's");
  return text;
}

/** Its text never appears in a message: it holds a password. */
export function databaseUrl(text: string): string {
  const url = URL.parse(text);
  const valid =
    url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.username !== '' && url.pathname.length > 1;
  if (!valid)
    throw new Error(
      'must be the address of a database, such as postgres://postern:<password>@db.example.org/postern',
    );
  return text;
}
