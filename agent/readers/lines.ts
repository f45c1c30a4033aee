const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** `any`: a CR that no LF follows ends a line too, as scanners send it. */
export type LineEnds = 'LF' | 'any';

/** Cuts bytes that arrive in any portions into lines that end in LF or CR LF, holding at most `bytesMax` of one. */
export class LineSplitter {
  readonly #bytesMax: number;
  readonly #ends: LineEnds;
  /** The last line ended in CR: an LF right after it belongs to it. */
  #afterReturn = false;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(bytesMax: number, ends: LineEnds = 'LF') {
    this.#bytesMax = bytesMax;
    this.#ends = ends;
  }

  /** The lines that end in this portion, without their endings; null: a line that was too long to keep. */
  *push(portion: Uint8Array): Generator<Uint8Array | null> {
    let start = 0;
    for (let end = this.#endIn(portion, start); end !== -1; end = this.#endIn(portion, start)) {
      const empty = end === start && this.#afterReturn && portion[end] === lineFeed;
      this.#keep(portion.subarray(start, end));
      if (!empty) yield this.#take();
      this.#afterReturn = this.#ends === 'any' && portion[end] === carriageReturn;
      start = end + 1;
    }
    if (start < portion.length) this.#afterReturn = false;
    this.#keep(portion.subarray(start));
  }

  #endIn(portion: Uint8Array, start: number): number {
    const feed = portion.indexOf(lineFeed, start);
    if (this.#ends === 'LF') return feed;
    const carriage = portion.indexOf(carriageReturn, start);
    return carriage === -1 || (feed !== -1 && feed < carriage) ? feed : carriage;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#length > this.#bytesMax) this.#parts = [];
    else this.#parts.push(part);
  }

  #take(): Uint8Array | null {
    const line = this.#length > this.#bytesMax ? null : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return line?.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
  }
}
