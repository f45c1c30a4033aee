/**
 * On every answer. The content policy is that of an answer which is no page: nothing may run, load or frame.
 * (Fetch Metadata, CSP Level 3, Referrer Policy; `Cache-Control` because answers hold credentials.)
 */
export const answerHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
};

/** On the visitor's page: its own script and style, its own address, no string ever turned into markup. */
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

/**
 * For calls from a custom landing page on another origin, where only a link's own secret can be the credential:
 * no cookie is ever read there, so any origin may ask.
 */
export const crossOriginHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Retry-After, X-Collection-Range',
  'cross-origin-resource-policy': 'cross-origin',
};

export const preflightHeaders: Readonly<Record<string, string>> = {
  ...crossOriginHeaders,
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key',
  'access-control-max-age': '86400',
};

/** The bytes of an answer for a request that the HTTP parser refused: the same headers and shape as any other. */
export function rawAnswer(status: number, phrase: string, body: unknown): string {
  const text = JSON.stringify(body);
  const headers = {
    ...answerHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    ...(status === 426 ? { upgrade: 'websocket', connection: 'upgrade, close' } : { connection: 'close' }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${phrase}\r\n${lines.join('')}\r\n${text}`;
}
