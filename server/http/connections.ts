import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { IsAmong } from './proxies.ts';
import { networkOf } from './rate-limits.ts';

/** Connections at once: in all, and from one address (IPv6: its /64). A browser opens six, an office hundreds. */
export const connectionsMax = 10_000;
export const connectionsPerAddressMax = 1_000;

export interface ConnectionLimits {
  max: number;
  perAddressMax: number;
}

/**
 * Ends connections that are too many, without a word: an answer would keep them. When there are too many in all, those
 * that wait for nothing go first.
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
    if (count > limits.max || (ofAddress > limits.perAddressMax && !isExempt(remoteAddress)))
      socket.destroy();
  });
}
