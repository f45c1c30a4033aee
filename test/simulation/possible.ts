/** One attempt to write a value, from when it began until it was certainly over. */
export interface Write<T> {
  readonly value: T;
  readonly begun: number;
  over: number;
}

/**
 * What a value may be, as far as its clients can know: it is what was written last, but which write that was nobody
 * can say while several are under way, or when an answer was lost.
 */
export class Possible<T> {
  #writes: Write<T>[];

  constructor(value: T) {
    this.#writes = [{ value, begun: 0, over: 0 }];
  }

  begin(value: T, moment: number): Write<T> {
    const write = { value, begun: moment, over: Number.POSITIVE_INFINITY };
    this.#writes.push(write);
    return write;
  }

  /** It was done: whatever was over before it began is no more. */
  acknowledge(write: Write<T>, moment: number): void {
    write.over = moment;
    this.#writes = this.#writes.filter(({ over }) => over >= write.begun);
  }

  /** It was not done. */
  refuse(write: Write<T>): void {
    this.#writes = this.#writes.filter((other) => other !== write);
  }

  /** It may have been done by now, or not; later it will not be. */
  lose(write: Write<T>, moment: number): void {
    write.over = moment;
  }

  may(test: (value: T) => boolean): boolean {
    return this.#writes.some(({ value }) => test(value));
  }

  must(test: (value: T) => boolean): boolean {
    return this.#writes.every(({ value }) => test(value));
  }

  get values(): T[] {
    return this.#writes.map(({ value }) => value);
  }
}
