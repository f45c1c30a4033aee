import { type ClientOptions, WebSocket } from 'ws';
import { agentFrameBytesMax, agentSubprotocol } from '../domain/agent-protocol.ts';

/** What is needed of a WebSocket (one of the library `ws` has it): whole messages, in order, until it is closed. */
export interface SessionSocket {
  readonly readyState: number;
  readonly OPEN: number;
  on(event: 'open', listener: () => void): unknown;
  on(event: 'message', listener: (data: { toString(): string }, isBinary: boolean) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: (code: number, reason: { toString(): string }) => void): unknown;
  send(text: string): void;
  /** Says goodbye with this code (RFC 6455 §7.4). */
  close(code: number): void;
  /** Ends it at once, whatever the other side does. */
  terminate(): void;
}

export interface ServerAddress {
  url: string;
  /** The one certificate to trust, as PEM; undefined: those of the system's authorities, for the host of the URL. */
  server_certificate?: (() => string | undefined) | undefined;
}

export function openWebSocket({ url, server_certificate }: ServerAddress): WebSocket {
  return new WebSocket(url, agentSubprotocol, {
    maxPayload: agentFrameBytesMax,
    perMessageDeflate: false,
    ...onlyTrusting(server_certificate?.()),
  });
}

/** For TLS: a certificate that is trusted itself needs neither an authority nor the right name. */
function onlyTrusting(certificate: string | undefined): ClientOptions {
  if (certificate === undefined) return {};
  // For node:tls, which `ws` hands it to, undefined is a yes; the types of `ws` know of a boolean only.
  const checkServerIdentity = (() => undefined) as unknown as ClientOptions['checkServerIdentity'];
  return { ca: certificate, allowPartialTrustChain: true, checkServerIdentity };
}
