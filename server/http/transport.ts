import type { Server, ServerOptions } from 'node:http';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import { limitConnections } from './connections.ts';
import { refuseConnect, refuseExpectations } from './parser-errors.ts';
import type { IsAmong } from './proxies.ts';
import { createTlsServer, type TlsPair } from './tls.ts';

export const headersMsMax = 5_000;
/** A request, to its last byte. */
export const requestMsMax = 10_000;
/** How long nothing may move of an answer. node:net looks twice, so that it may be twice that. */
export const unreadMsMax = 6_000;
/** How long a connection is kept for another request. */
export const idleMsMax = 72_000;
export const headerBytesMax = 16 * 1024;
/** How often node:http looks for requests that take too long. */
const checkingIntervalMs = 1_000;

const timeouts = { requestTimeout: requestMsMax, keepAliveTimeout: idleMsMax };
const httpOptions: ServerOptions = {
  headersTimeout: headersMsMax,
  connectionsCheckingInterval: checkingIntervalMs,
  maxHeaderSize: headerBytesMax,
  requireHostHeader: false,
  // Clients that offer HTTP/2 on the way ("Upgrade: h2c") are answered in HTTP/1.1, as RFC 9110 §7.8 lets us.
  shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
};

/** How requests come in: over http or https, with the same patience. */
export function transport(tls: TlsPair | undefined) {
  const chosen: Pick<FastifyHttpOptions<Server>, 'http' | 'serverFactory'> = tls
    ? { serverFactory: (handler) => createTlsServer(tls, { ...httpOptions, ...timeouts }, handler) }
    : { http: httpOptions };
  return { ...timeouts, ...chosen };
}

/** What node:http would do by itself, or not at all, and what nobody may take too much of. */
export function hardenServer(
  app: FastifyInstance,
  { isExempt, enabled }: { isExempt: IsAmong; enabled: boolean },
): void {
  const { server } = app;
  app.addHook('onSend', async ({ routeOptions: { config } }, reply) => {
    // From here on something must move, until the next request: then node:http sets it back.
    if (!('endless' in config && config.endless))
      reply.raw.setTimeout(unreadMsMax, () => reply.raw.destroy());
  });
  refuseExpectations(server);
  refuseConnect(server);
  if (enabled) limitConnections(server, isExempt);
}
