/**
 * Commands to one device, one after the other: two that overtake each other on the wire would leave a lock
 * released that was locked last. Whoever has not had a turn when the signal comes never gets one.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let begun = false;
    const turn = this.#last.then(() => {
      if (signal.aborted) throw tooLate();
      begun = true;
      return work();
    });
    this.#last = turn.catch(() => {});
    const late = Promise.withResolvers<never>();
    const onAbort = () => !begun && late.reject(tooLate());
    signal.addEventListener('abort', onAbort, { once: true });
    return Promise.race([turn, late.promise]).finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** When everything that has begun is over. */
  async over(): Promise<void> {
    await this.#last;
  }
}

function tooLate(): Error {
  return new Error('The lock was busy with an earlier command; nothing was sent.');
}
