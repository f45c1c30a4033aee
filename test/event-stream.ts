import assert from 'node:assert/strict';

/** An event as a stream sends it. */
export interface StreamedEvent {
  id: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  data: any;
}

/** A client of `GET /events/stream`, as a program would write one: `fetch`, the header, and lines of text. */
export class EventStreamReader {
  readonly status: number;
  readonly headers: Headers;
  readonly #hangUp: AbortController;
  readonly #blocks: AsyncGenerator<string>;

  constructor(response: Response, hangUp: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#hangUp = hangUp;
    this.#blocks = blocksOf(response);
  }

  static async open(
    url: string,
    { secret, query = '', after }: { secret: string; query?: string; after?: number },
  ): Promise<EventStreamReader> {
    const hangUp = new AbortController();
    const headers: Record<string, string> = { authorization: `KISI-LOGIN ${secret}` };
    if (after !== undefined) headers['last-event-id'] = String(after);
    const response = await fetch(`${url}/events/stream${query}`, { headers, signal: hangUp.signal });
    return new EventStreamReader(response, hangUp);
  }

  /** The next block of lines, whatever it is; null when the stream is over. */
  async block(): Promise<string | null> {
    const { value, done } = await this.#blocks.next();
    return done ? null : value;
  }

  /** The next event; null when the stream is over. */
  async next(): Promise<StreamedEvent | null> {
    for (;;) {
      const block = await this.block();
      if (block === null) return null;
      if (!block.includes('data:')) continue;
      const lines = block.split('\n');
      const [id = '', data = ''] = ['id: ', 'data: '].map((name) =>
        lines.find((line) => line.startsWith(name))?.slice(name.length),
      );
      assert.equal(lines.length, 2, block);
      return { id: Number(id), data: JSON.parse(data) };
    }
  }

  async take(count: number): Promise<StreamedEvent[]> {
    const events: StreamedEvent[] = [];
    while (events.length < count) events.push((await this.next()) ?? assert.fail('the stream is over'));
    return events;
  }

  /** Everything until the stream is over. */
  async rest(): Promise<StreamedEvent[]> {
    const events: StreamedEvent[] = [];
    for (let event = await this.next(); event !== null; event = await this.next()) events.push(event);
    return events;
  }

  hangUp(): void {
    this.#hangUp.abort();
  }
}

async function* blocksOf(response: Response): AsyncGenerator<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    yield* blocks;
  }
  assert.equal(text, '', 'the stream ended in the middle of a block');
}
