/** What is needed of a WebSocket (one of the library `ws` has it): whole messages, in order, until it is closed. */
export interface AgentSocket {
  readonly readyState: number;
  readonly OPEN: number;
  on(event: 'message', listener: (data: unknown, isBinary: boolean) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  send(text: string): void;
  /** Says goodbye with this code (RFC 6455 §7.4). */
  close(code: number): void;
  /** Ends it at once, whatever the other side does. */
  terminate(): void;
}
