import { join } from 'node:path';
import type { Demo } from './demo.ts';
import { qrBlocks } from './links/qr.ts';

/** What the demo prints for a person, and keeps in its data folder. */
export function demoText(demo: Demo, dataFolder: string): string {
  const doors = demo.locks.map(({ id, name }) => `${id} ${name}`).join(', ');
  const [first] = demo.locks;
  return `
Postern is running at ${demo.url}

  Doors      ${doors}
  API key    ${demo.api_key}
  Owner      ${demo.owner.email}, password ${demo.owner.password}

An access link for one day. Open it in a browser and hold the button:

  ${demo.link.url}

Its QR code, for the reader at the door; also in ${demo.link.qr_png}

${qrBlocks(demo.link.pass)}

Show it to the simulated reader, from another terminal:

  npm run postern -- scan ${demo.link.qr_png} --door ${first?.id ?? 1}

See who opened what:

  curl -H "Authorization: KISI-LOGIN ${demo.api_key}" ${demo.url}/events

All of this is kept in ${join(dataFolder, 'demo.json')}, readable by you only, with the secret key beside it: fine for a
demo, not for a real door. Ctrl-C ends the demo.

`;
}
