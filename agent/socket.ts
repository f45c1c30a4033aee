import { type ConnectionOptions, getCACertificates } from 'node:tls';
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
  /** Certificates of authorities to trust beside the system's, as PEM. */
  authority?: string | undefined;
  /** The one certificate to trust, as PEM; undefined: those of the system's authorities, for the host of the URL. */
  server_certificate?: (() => string | undefined) | undefined;
}

export function openWebSocket({ url, authority, server_certificate }: ServerAddress): WebSocket {
  return new WebSocket(url, agentSubprotocol, {
    maxPayload: agentFrameBytesMax,
    perMessageDeflate: false,
    ...trusting(authority),
    // It is handed to node:tls; the types of `ws` have another idea of one of its options.
    ...(onlyTrusting(server_certificate?.()) as ClientOptions),
  });
}

/** For TLS: the system's authorities and these. */
export function trusting(authority: string | undefined): { ca?: string[] } {
  return authority === undefined ? {} : { ca: [...getCACertificates('default'), authority] };
}

/** For TLS: a certificate that is trusted itself needs neither an authority nor the right name. */
export function onlyTrusting(certificate: string | undefined): ConnectionOptions {
  if (certificate === undefined) return {};
  return { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
}
