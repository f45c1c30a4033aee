const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Cuts bytes that arrive in any portions into lines that end in LF or CR LF, holding at most `bytesMax` of one. */
export class LineSplitter {
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that end in this portion, without their endings; null: a line that was too long to keep. */
  *push(portion: Uint8Array): Generator<Uint8Array | null> {
    let start = 0;
    for (let end = portion.indexOf(lineFeed); end !== -1; end = portion.indexOf(lineFeed, start)) {
      this.#keep(portion.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
    this.#keep(portion.subarray(start));
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
