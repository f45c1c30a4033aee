import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getCACertificates, connect as secure } from 'node:tls';

/** Where a device or a broker is reached; `ca` (PEM): over TLS, and whom to believe there. */
export interface Address {
  host: string;
  port: number;
  tls: { ca: string[] } | null;
}

export interface Line {
  stream: Duplex;
  /**
   * Ends the line and throws away what the kernel has not got rid of yet. An ordinary end would go on sending that
   * for minutes, and a command that arrives with the cable's return must not move a lock.
   */
  reset(): void;
}

/** A line that is about to be connected. */
export function begin({
  host,
  port,
  tls,
}: Address): Line & { connected(signal: AbortSignal): Promise<void> } {
  const socket = connect({ host, port, noDelay: true });
  const name = isIP(host) === 0 ? { servername: host } : {};
  const stream = tls === null ? socket : secure({ socket, host, ca: tls.ca, ...name });
  socket.on('error', (error) => stream !== socket && stream.destroy(error));
  stream.on('error', ignore);
  const connected = async (signal: AbortSignal) => {
    await once(socket, 'connect', { signal });
    if (stream !== socket) await once(stream, 'secureConnect', { signal });
  };
  return { stream, connected, reset: () => reset(socket, stream) };
}

/** A connected line, with the certificate checked where there is one. Rejects when there is none: nothing was sent then. */
export async function dial(address: Address, signal: AbortSignal): Promise<Line> {
  const line = begin(address);
  try {
    await line.connected(signal);
    return line;
  } catch (error) {
    line.reset();
    throw error;
  }
}

/** Without a `ca_file` those that the machine trusts, else those that came with the runtime. */
export function authorities(ca_file: string | null): string[] {
  if (ca_file !== null) return [ca_file];
  const machine = getCACertificates('system');
  return machine.length > 0 ? machine : getCACertificates('default');
}

function reset(socket: Socket, stream: Duplex): void {
  if (!socket.destroyed) socket.resetAndDestroy();
  stream.destroy();
}

/** Whoever waits for the line hears of it; this keeps a line that nobody waits for from ending the process. */
function ignore(): void {}
