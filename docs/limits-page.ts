import { bodyBytesMax } from '../server/http/bodies.ts';
import { connectionsMax, connectionsPerAddressMax } from '../server/http/connections.ts';
import { answersKeptMs, repetitionWaitMsMax } from '../server/http/idempotency.ts';
import { countersMax, rateLimits } from '../server/http/rate-limits.ts';
import {
  headerBytesMax,
  headersMsMax,
  idleMsMax,
  requestMsMax,
  unreadMsMax,
} from '../server/http/transport.ts';
import { holdMsMax, holdMsMin } from '../server/unlocks/holds.ts';

export const limitsIntroduction = `Everything has a limit. Those on how often are counted by whoever asks, never by whom it is done to, so that nobody can lock out
another; what is over them is answered 429 (\`too_many_requests\`) with \`Retry-After\` in seconds. \`POSTERN_RATE_LIMITS=off\` turns these and the limits of
connections off, for load tests on one machine. \`postern_rate_limited_total\` counts what was refused ([monitoring](../operating/monitoring.md)).`;

export function limitsPageLines(): string[] {
  return [
    '## How often',
    '',
    '| limit | at most | counted over all server processes | what is counted |',
    '|---|---|---|---|',
    ...Object.entries(rateLimits).map(([name, limit]) => {
      const { max, windowMs, what } = limit;
      const shared = 'shared' in limit ? 'yes' : 'each for itself';
      return `| \`${name}\` | ${number(max)} in ${seconds(windowMs)} | ${shared} | ${what} |`;
    }),
    '',
    `A window begins with the first one that is counted. Of each limit the latest ${number(countersMax)} callers are remembered.`,
    '',
    '## How long, how large, how many',
    '',
    '| what | limit |',
    '|---|---|',
    `| the headers of a request, until the last has arrived | ${seconds(headersMsMax)} |`,
    `| a request, until its last byte has arrived | ${seconds(requestMsMax)} |`,
    `| an answer of which nothing is read | cut after ${seconds(unreadMsMax)} to ${seconds(2 * unreadMsMax)} |`,
    `| a connection that waits for its next request | ${seconds(idleMsMax)} |`,
    `| the headers of a request | ${headerBytesMax / 1024} KiB |`,
    `| a body | ${bodyBytesMax / 1024} KiB |`,
    `| connections at once | ${number(connectionsMax)}; from one address ${number(connectionsPerAddressMax)}, this machine and trusted proxies aside |`,
    `| a press on the visitor's page | ${holdMsMin} ms to ${seconds(holdMsMax)} |`,
    `| an answer under an \`Idempotency-Key\` | kept ${answersKeptMs / 3_600_000} hours |`,
    `| a repetition that waits for the request it repeats | ${seconds(repetitionWaitMsMax)} |`,
  ];
}

function seconds(ms: number): string {
  return ms % 60_000 === 0 && ms > 60_000 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
