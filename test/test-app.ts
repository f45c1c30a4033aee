import { generateKeyPairSync } from 'node:crypto';
import type { Context } from '../server/context.ts';
import { Housekeeping } from '../server/housekeeping.ts';
import { Reference } from '../server/reference/reference.ts';
import { createHandlers, type Handlers } from '../server/routes.ts';
import { Presentations } from '../server/unlocks/presentations.ts';

const empty = { type: 'text/html', body: Buffer.of(), gzipped: Buffer.of() };

/** The handlers as `createApp` wants them, with empty files in place of the built pages. */
export function testHandlers(context: Context): (own: Context) => Handlers {
  const lasting = {
    files: { html: empty, reader: empty, assets: new Map() },
    presentations: new Presentations(context),
    reference: new Reference(context),
    housekeeping: new Housekeeping({ tasks: [], clock: context.clock, onError: () => {} }),
    hostKey: generateKeyPairSync('ed25519'),
  };
  return (own) => createHandlers({ context: own, ...lasting });
}
