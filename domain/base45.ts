/** The 45 characters of a QR code's alphanumeric mode, each at its value (RFC 9285 §4.2). */
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

/** The value of each character code; NaN: not in the alphabet, and NaN fails every comparison. */
const digits = new Float64Array(128).fill(Number.NaN);
for (let value = 0; value < alphabet.length; value++) digits[alphabet.charCodeAt(value)] = value;

/** Writes bytes as Base45 (RFC 9285): three characters for two bytes, two for a last single byte. */
export function encodeBase45(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 2) {
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1];
    text += second === undefined ? characters(first, 2) : characters(first * 256 + second, 3);
  }
  return text;
}

/**
 * Reads Base45 (RFC 9285), each byte string from exactly one text. Null: a character outside the alphabet
 * (small letters are), a length that no bytes have, or a group above 65,535 (a last pair of characters: above
 * 255).
 */
export function decodeBase45(text: string): Uint8Array | null {
  if (text.length % 3 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 2) / 3));
  let to = 0;
  for (let from = 0; from < text.length; from += 3) {
    const pair = from + 3 > text.length;
    const value = digit(text, from) + digit(text, from + 1) * 45 + (pair ? 0 : digit(text, from + 2) * 2025);
    if (!(value <= (pair ? 0xff : 0xffff))) return null;
    if (!pair) bytes[to++] = value >> 8;
    bytes[to++] = value & 0xff;
  }
  return bytes;
}

function characters(value: number, count: number): string {
  let text = '';
  for (let rest = value; text.length < count; rest = Math.floor(rest / 45))
    text += alphabet.charAt(rest % 45);
  return text;
}

function digit(text: string, at: number): number {
  return digits[text.charCodeAt(at)] ?? Number.NaN;
}
