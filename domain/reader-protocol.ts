/*
 * What a tablet as a reader (`pages/reader`) signs, and for how long it is good. The key is the tablet's own: P-256, made by
 * WebCrypto so that it cannot be taken out. Signatures are ECDSA with SHA-256 (FIPS 186-5), r and s one after the other
 * (IEEE P1363), base64url.
 */

/** How long a code that enrolls a tablet works. */
export const enrollmentCodeMs = 600_000;
/** How old a nonce may be when a presentation comes with it. */
export const readerNonceMsMax = 60_000;
/** How often a tablet asks for a fresh nonce while nobody shows it anything: also how it notices that the line is gone. */
export const readerNonceIntervalMs = 15_000;
/** A tablet that has not asked for so long is not there. */
export const readerSilenceMsMax = 90_000;

/** The longest text that is presented: `readerTextLengthMax` of the agents' readers. */
export const presentedTextLengthMax = 4_296;

/** What is signed. The first word of each keeps it from being taken for another. */
export type ReaderStatement =
  /** With the new key: whoever enrolls has it. */
  | { what: 'enrollment'; code: string }
  /** Asks for a nonce. */
  | { what: 'nonce'; reader_id: number }
  /** `digest`: SHA-256 of the presented text in UTF-8, base64url. */
  | { what: 'presentation'; reader_id: number; nonce: string; digest: string };

/** The bytes of a statement: a JSON array in fixed order, UTF-8. */
export function readerBytes(statement: ReaderStatement): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(['postern-reader', 1, ...fieldsOf(statement)]));
}

function fieldsOf(statement: ReaderStatement): (string | number)[] {
  switch (statement.what) {
    case 'enrollment':
      return ['enrollment', statement.code];
    case 'nonce':
      return ['nonce', statement.reader_id];
    case 'presentation':
      return ['presentation', statement.reader_id, statement.nonce, statement.digest];
  }
}

/** A presented text as it is signed and sent: what JSON and the server would change of it is changed before. */
export function presentable(text: string): string {
  return text.replaceAll('\r\n', '\n').normalize('NFC').slice(0, presentedTextLengthMax);
}

/** Crockford's Base32 (crockford.com/base32.html): without the letters that look like digits, and without U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const groupLength = 4;
export const readerCodeBytes = 10;

/** A code that enrolls a tablet, of 80 random bits: four groups of four characters, to be read and typed. */
export function readerCodeFrom(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (let at = 0; at < (bytes.length * 8) / 5; at++) {
    if (at > 0 && at % groupLength === 0) text = `-${text}`;
    text = `${alphabet[Number(value & 31n)]}${text}`;
    value >>= 5n;
  }
  return text;
}

/** The one spelling of a code as somebody typed it; null when it is none. */
export function canonicalReaderCode(typed: string): string | null {
  const bare = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  if (!/^[0-9A-HJKMNP-TV-Z]{16}$/.test(bare)) return null;
  return bare.replace(/(.{4})(?=.)/g, '$1-');
}
