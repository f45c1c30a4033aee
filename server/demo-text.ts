import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Demo } from './demo.ts';
import { addressBlocks, qrBlocks } from './links/qr.ts';

/** What the demo prints for a person. `columns`: how wide the terminal is, where there is one. */
export function demoText(demo: Demo, dataFolder: string, columns = 0): string {
  const doors = demo.locks.map(({ id, name }) => `${id} ${name}`).join(', ');
  const [first] = demo.locks;
  const trusting = demo.authority === undefined ? '' : `--cacert ${demo.authority} `;
  return `
Postern is running at ${demo.url}

  Doors      ${doors}
  API key    ${demo.api_key}
  Owner      ${demo.owner.email}, password ${demo.owner.password}

An access link for one day. Open it in a browser and hold the button:

  ${demo.link.url}
${demo.authority === undefined ? '' : cameraText(demo, columns)}
Its QR code, for the reader at the door; also in ${demo.link.qr_png}

${qrBlocks(demo.link.pass)}

Show it to the simulated reader, from another terminal:

  npm run postern -- scan ${demo.link.qr_png} --door ${first?.id ?? 1}

See who opened what:

  curl ${trusting}-H "Authorization: KISI-LOGIN ${demo.api_key}" ${demo.url}/events
${demo.authority === undefined ? '' : phoneText(demo, demo.authority)}
All of this is kept in ${join(dataFolder, 'demo.json')}, readable by you only, with the secret key beside it: fine for a
demo, not for a real door. Ctrl-C ends the demo.

`;
}

/** The link for a phone's camera, where the terminal is wide enough. */
function cameraText(demo: Demo, columns: number): string {
  const code = addressBlocks(demo.link.url, columns);
  return code === null
    ? ''
    : `\nFor a phone's camera; it must trust this machine first, see below:\n\n${code}\n`;
}

/** How a phone in the same network gets there. */
function phoneText(demo: Demo, authorityFile: string): string {
  const { fingerprint256 } = new X509Certificate(readFileSync(authorityFile));
  return `
On a phone in the same network, once: open ${demo.url}/lan/ca.crt, go on past the warning, and trust what it
downloads. That can vouch for machines in a local network only. Its SHA-256 fingerprint must be

  ${fingerprint256.slice(0, 47)}
  ${fingerprint256.slice(48)}

  iPhone   Settings, "Profile Downloaded", Install; then General, About, Certificate Trust Settings: switch it on.
  Android  Settings, search for "CA certificate", Install anyway, choose the file.
  Others   ${authorityFile}

When the demo is over, remove it there again.
`;
}
