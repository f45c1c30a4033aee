import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asProgram } from '../processes.ts';

/** A bare `node:http` server that gives one and the same answer to everything. */
await asProgram(async ({ headers, body }: { headers: [string, string][]; body: string }) => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, headers.flat());
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { ready: { port }, close: () => server[Symbol.asyncDispose]() };
});
