import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { endWith } from './parser-errors.ts';
import type { IsAmong } from './proxies.ts';
import { networkOf } from './rate-limits.ts';

/** Connections at once: in all, and from one address (IPv6: its /64). A browser opens six, an office hundreds. */
export const connectionsMax = 10_000;
export const connectionsPerAddressMax = 1_000;
/** How long a connection that is one too many gets to read why. */
const farewellMs = 1_000;

export interface ConnectionLimits {
  max: number;
  perAddressMax: number;
}

/**
 * Refuses connections that are too many. When there are too many in all, those that wait for nothing go first.
 * `isExempt`: addresses behind which are many, which count in all only.
 */
export function limitConnections(
  server: Server,
  isExempt: IsAmong,
  limits: ConnectionLimits = { max: connectionsMax, perAddressMax: connectionsPerAddressMax },
): void {
  const byAddress = new Map<string, number>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return void socket.destroy(); // gone already
    const network = networkOf(remoteAddress);
    const ofAddress = (byAddress.get(network) ?? 0) + 1;
    byAddress.set(network, ofAddress);
    count += 1;
    socket.once('close', () => {
      count -= 1;
      const left = (byAddress.get(network) ?? 1) - 1;
      if (left > 0) byAddress.set(network, left);
      else byAddress.delete(network);
    });
    if (count > limits.max) server.closeIdleConnections();
    if (count > limits.max || (ofAddress > limits.perAddressMax && !isExempt(remoteAddress))) {
      // Whoever begins to speak TLS reads no HTTP.
      if (server instanceof TlsServer) socket.destroy();
      else refuse(socket);
    }
  });
}

function refuse(socket: Socket): void {
  socket.once('error', () => socket.destroy());
  setTimeout(() => socket.destroy(), farewellMs).unref();
  endWith(socket, 'too_many_requests');
}
