import { parseArgs } from 'node:util';

/** A command that was not understood; the message says what would be. */
export class UsageError extends Error {}

type Options = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>['options']>;

/** The options of a command. Throws a UsageError for any that it does not have. */
export function parseOptions<const Given extends Options>(
  args: string[],
  options: Given,
  allowPositionals = false,
) {
  try {
    return parseArgs({ args, options, allowPositionals, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function wholeNumber(text: string, what: string): number {
  if (!/^[1-9]\d{0,15}$/.test(text))
    throw new UsageError(`${what} must be a whole number; ${JSON.stringify(text)} is none.`);
  return Number(text);
}

/** What a terminal would obey or turn round instead of showing it, as its number. */
const unprintable = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** A text of somebody's, safe to show: old rows may hold what no name is allowed to hold today. */
export function printable(text: string): string {
  return text.replace(unprintable, (letter) => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`);
}
