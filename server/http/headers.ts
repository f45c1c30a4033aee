/**
 * On every answer. The content policy is that of an answer which is no page: nothing may run, load or frame.
 * (Fetch Metadata, CSP Level 3, Referrer Policy; `Cache-Control` because answers hold credentials.)
 */
export const answerHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': permissions('camera=()'),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
};

/**
 * On every answer of a server that visitors reach by https under a name: browsers then come by https only (RFC 6797).
 * Not for addresses, where it means nothing, nor for names that every machine or network gives to something of its own.
 */
export function transportHeaders(publicUrl: string): Readonly<Record<string, string>> {
  const { protocol, hostname } = new URL(publicUrl);
  const isShared = /^(.*\.)?(localhost|local)$/.test(hostname) || /^[\d.]+$|^\[/.test(hostname);
  if (protocol !== 'https:' || isShared) return {};
  return { 'strict-transport-security': 'max-age=31536000' };
}

function permissions(camera: string): string {
  return `${camera}, geolocation=(), microphone=(), payment=(), usb=()`;
}

/** On the page of a tablet as a reader, the only one that uses a camera (Permissions Policy). */
export const permissionsWithCamera = permissions('camera=(self)');

/** On the pages for visitors and tablets: its own script and style, its own address, no string ever turned into markup. */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** On the pages of the reference: their own style, and nothing that runs. */
export const referencePolicy = [
  "default-src 'none'",
  "style-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * For calls from a custom landing page on another origin, where only a link's own secret can be the credential:
 * no cookie is ever read there, so any origin may ask.
 */
export const crossOriginHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Idempotency-Replayed, Retry-After, X-Collection-Range, X-Request-Id',
  'cross-origin-resource-policy': 'cross-origin',
};

export const preflightHeaders: Readonly<Record<string, string>> = {
  ...crossOriginHeaders,
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key',
  'access-control-max-age': '86400',
};

/** The page that says what to do about an error, for the `Link` header (RFC 8288) of its answer. */
export function helpLink(reason: string): string {
  return `</docs/errors/${reason}>; rel="help"`;
}

/** The bytes of an answer for a request that the HTTP parser refused: the same headers and shape as any other. */
export function rawAnswer(status: number, phrase: string, body: { reason: string }): string {
  const text = JSON.stringify(body);
  const headers = {
    ...answerHeaders,
    'content-type': 'application/json; charset=utf-8',
    link: helpLink(body.reason),
    'content-length': String(Buffer.byteLength(text)),
    ...(status === 426 ? { upgrade: 'websocket', connection: 'upgrade, close' } : { connection: 'close' }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${phrase}\r\n${lines.join('')}\r\n${text}`;
}
