import { generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import { type ReaderStatement, readerBytes } from '../domain/reader-protocol.ts';
import type { Answer, TestServer } from './test-server.ts';

/** As the browser says it of our own page. */
export const fromOurPage = { 'sec-fetch-site': 'same-origin' };

/** What the page of a tablet does, without a browser around it. */
export interface TestTablet {
  reader_id: number;
  key: KeyObject;
  nonce(): Promise<string>;
  /** What presenting the text sends. */
  presentation(text: string, nonce: string): object;
  /** Presents the text with a nonce of its own. */
  present(text: string): Promise<Answer>;
  post(path: string, body: object): Promise<Answer>;
}

export function newTabletKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  return { key: privateKey, public_key: { kty: 'EC', crv: 'P-256', x, y } as const };
}

/** ECDSA with SHA-256, r and s one after the other, base64url. */
export function signed(key: KeyObject, statement: ReaderStatement): string {
  return sign('sha256', readerBytes(statement), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}

/** `made`: with which key; the public one may be wrong. */
export function enroll(
  server: TestServer,
  code: string,
  made: { key: KeyObject; public_key: object } = newTabletKey(),
): Promise<Answer> {
  const { key, public_key } = made;
  const proof = signed(key, { what: 'enrollment', code });
  const body = { code, public_key, proof };
  return server.call('POST', '/reader/enrollments', { body, headers: fromOurPage });
}

/** Makes a tablet a reader of the door, and enrolls it. */
export async function tabletAt(server: TestServer, lock_id: number, name = 'Lobby'): Promise<TestTablet> {
  const { enrollment_code } = await server.create('reader', { name, lock_id });
  const made = newTabletKey();
  const { status, body } = await enroll(server, enrollment_code, made);
  if (status !== 200) throw new Error(`enrolling answered ${status}: ${JSON.stringify(body)}`);
  return tablet(server, body.reader_id, made.key);
}

export function tablet(server: TestServer, reader_id: number, key: KeyObject): TestTablet {
  const post = (path: string, body: object) => server.call('POST', path, { body, headers: fromOurPage });
  const nonce = async () => {
    const signature = signed(key, { what: 'nonce', reader_id });
    const answer = await post('/reader/nonces', { reader_id, signature });
    if (answer.status !== 200) throw new Error(`a nonce: ${answer.status} ${JSON.stringify(answer.body)}`);
    return String(answer.body.nonce);
  };
  const presentation = (text: string, given: string) => {
    const digest = hash('sha256', text, 'base64url');
    const signature = signed(key, { what: 'presentation', reader_id, nonce: given, digest });
    return { reader_id, nonce: given, text, signature };
  };
  return {
    reader_id,
    key,
    nonce,
    presentation,
    present: async (text) => post('/reader/presentations', presentation(text, await nonce())),
    post,
  };
}
