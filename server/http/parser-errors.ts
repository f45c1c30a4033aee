import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ErrorName, errorBody, PosternError } from '../../domain/errors.ts';
import { rawAnswer } from './headers.ts';

/** How long the other side gets to read the answer. */
const farewellMs = 2_000;

const phrases: Partial<Record<ErrorName, string>> = {
  malformed_request: 'Bad Request',
  request_timeout: 'Request Timeout',
  headers_too_large: 'Request Header Fields Too Large',
  not_found: 'Not Found',
  upgrade_required: 'Upgrade Required',
  expectation_failed: 'Expectation Failed',
};

/** Answers a request that the HTTP parser refused, in our shape and with our headers, and closes the connection. */
export function answerParserError(error: Error & { code?: string }, socket: Socket): void {
  // Before it is encrypted a connection can be told nothing.
  const isUntold = error.code === 'ECONNRESET' || /^ERR_(SSL|TLS)_/.test(error.code ?? '');
  if (isUntold || !socket.writable) return void socket.destroy();
  if (error.code === 'HPE_HEADER_OVERFLOW') return endWith(socket, 'headers_too_large');
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return endWith(socket, 'request_timeout');
  endWith(socket, 'malformed_request');
}

/** Writes a whole error answer onto a bare socket, and closes it whether or not the other side does. */
export function endWith(socket: Duplex, name: ErrorName): void {
  setTimeout(() => socket.destroy(), farewellMs).unref();
  const error = new PosternError(name);
  socket.end(rawAnswer(error.entry.status, phrases[name] ?? 'Error', errorBody(error)));
}

/** `Expect` other than `100-continue` (RFC 9110 §10.1.1), which node:http would answer by itself. */
export function refuseExpectations(server: Server): void {
  server.on('checkExpectation', (request) => endWith(request.socket, 'expectation_failed'));
}

/** `CONNECT` (RFC 9110 §9.3.6), which node:http would leave without an answer: we are nobody's proxy. */
export function refuseConnect(server: Server): void {
  server.on('connect', (_request, socket: Duplex) => {
    // node:http hands over the bare socket, and with it every error that it may still have.
    socket.on('error', () => socket.destroy());
    endWith(socket, 'not_found');
  });
}
