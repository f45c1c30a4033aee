/**
 * A text as it is searched for and sorted by: without case, accents kept apart from nothing but themselves (Unicode
 * NFKC, then lower case twice around upper case, so that `ß` and `SS` meet). The database holds it beside what was
 * written, so that every database finds and orders the same. The parts of a longer text are joined by a line break,
 * which sorts before everything that a name may hold.
 */
export function fold(...parts: readonly (string | null | undefined)[]): string {
  const text = parts.filter((part) => part !== null && part !== undefined).join('\n');
  return text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
}
