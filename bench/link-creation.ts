import { generateKeyPairSync, sign } from 'node:crypto';
import { qrPng } from '../server/links/qr.ts';
import { runLoad } from './load.ts';
import { type Figure, interleaved, median, microsecondsEach, middleOf } from './measure.ts';
import type { RunningHouse } from './running-house.ts';

const connections = 16;
const signedBytes = 160;

/** Issuing links over HTTP, each answered with its QR code, against what none can do without: a signature and the QR code. */
export async function measureLinkCreation(
  { house, port }: RunningHouse,
  { rounds, durationMs }: { rounds: number; durationMs: number },
): Promise<Figure[]> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const bytes = Buffer.alloc(signedBytes, 1);
  const pass = `PSN1:${'6BFOXN*TS0BI$ZD4N9:9S6RCVN5+O30K3/XIV0W23NTDE$VK G2EP4J0B3KL'.repeat(3)}`;
  const bare = (index: number) => {
    bytes.writeUInt32BE(index);
    sign(null, bytes, privateKey);
    qrPng(pass);
  };
  let count = 0;
  const next = () => {
    const body = JSON.stringify({ group_link: { name: `Guest ${++count}`, group_id: house.group_id } });
    const key = house.api_keys[count % house.api_keys.length];
    return Buffer.from(
      `POST /group_links HTTP/1.1\r\nHost: localhost\r\nAuthorization: KISI-LOGIN ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  };
  const contenders = {
    creation: async () => (await runLoad({ port, connections, durationMs, next })).perSecond,
    bare: async () => 1e6 / (await microsecondsEach(durationMs, bare)), // about as long as the other
  };
  const results = await interleaved(rounds, contenders);
  return [
    {
      name: 'issuing a link with its QR code, against one signature and one QR code',
      value: median(results.map(({ creation, bare: most }) => creation / most)),
      unit: 'ratio',
      better: 'higher',
      detail: `${middleOf(results, 'creation')} links/s over ${connections} connections, against ${middleOf(results, 'bare')} a second`,
    },
  ];
}
