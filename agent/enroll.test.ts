import assert from 'node:assert/strict';
import { generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { formatEnrolmentCode, parseEnrolmentCode, serverEnrolmentBytes } from '../domain/enrolment-code.ts';
import { enroll } from './enroll.ts';
import { Problem } from './problem.ts';

const keys = () => generateKeyPairSync('ed25519');
const raw = (key: KeyObject) => Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
const server_keys = keys();
const agent_keys = keys();
const typed = formatEnrolmentCode(new Uint8Array(10), hash('sha256', raw(server_keys.publicKey), 'buffer'));
const code = parseEnrolmentCode(typed)?.code ?? '';
const public_key = raw(agent_keys.publicKey).toString('base64url');

interface Answered {
  status?: number;
  /** Whose key the answer shows, and whose signs it. */
  shown?: KeyObject;
  signer?: KeyObject;
  signed?: object;
  body?: unknown;
}

/** A server that answers once, honestly but for what it is told to change; and what it was sent. */
async function enrollAt({ status = 200, shown, signer, signed, body }: Answered = {}) {
  const server = createServer(async (request, response) => {
    sent.push(await json(request));
    const fields = { code, public_key, agent_id: 7, public_url: 'https://doors.example.org' };
    const bytes = serverEnrolmentBytes({ ...fields, ...signed });
    const answer = {
      ...{ agent_id: 7, name: 'Gatehouse', organization: { id: 1, name: 'House' } },
      public_url: fields.public_url,
      server_public_key: raw(shown ?? server_keys.publicKey).toString('base64url'),
      signature: sign(null, bytes, signer ?? server_keys.privateKey).toString('base64url'),
    };
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body ?? answer));
  });
  const sent: unknown[] = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const given = {
      server: `http://127.0.0.1:${port}/`,
      code: typed.toLowerCase(),
      private_key: agent_keys.privateKey,
    };
    return { sent, identity: await enroll(given) };
  } finally {
    server.close();
  }
}

describe('enrolling', () => {
  it('believes the server that made the code, and never sends the private key', async () => {
    const { identity, sent } = await enrollAt();
    assert.equal(identity.agent_id, 7);
    assert.equal(identity.public_url, 'https://doors.example.org');
    assert.ok(identity.server_public_key.equals(server_keys.publicKey));
    assert.equal(identity.private_key, agent_keys.privateKey);
    const secret = agent_keys.privateKey.export({ format: 'jwk' }).d ?? '';
    assert.ok(secret.length > 0 && !JSON.stringify(sent).includes(secret));
  });

  const other = keys();
  const refused: [string, Answered, RegExp][] = [
    [
      'a server with another key, whoever it says it is',
      { shown: other.publicKey, signer: other.privateKey },
      /is not the server that made this code: its key is another one/,
    ],
    ['the key of the server, signed by another', { signer: other.privateKey }, /could not prove/],
    ['a signature over another agent', { signed: { agent_id: 8 } }, /could not prove/],
    [
      'a signature over another address',
      { signed: { public_url: 'https://evil.example' } },
      /could not prove/,
    ],
    ['a signature over another key', { signed: { public_key: 'x' } }, /could not prove/],
    ['a signature over another code', { signed: { code: 'x' } }, /could not prove/],
    ['an answer of another shape', { body: { agent_id: 7 } }, /something that no Postern server does/],
    ['a page', { body: '<html>' }, /something that no Postern server does/],
    ['no such path', { status: 404, body: {} }, /enrolls no agents/],
    ['an error', { status: 401, body: { error: 'No.', hint: 'Ask.' } }, /^No\. Ask\.$/],
    [
      'a failure that is not of Postern',
      { status: 502, body: 'Bad gateway' },
      /answered 502, and not as Postern does/,
    ],
  ];
  for (const [what, answered, expected] of refused) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(enrollAt(answered), (error: Error) => {
        assert.ok(error instanceof Problem);
        assert.match(error.message, expected);
        return true;
      });
    });
  }

  it('sends nothing over plain http to another machine', async () => {
    const given = { code: typed, private_key: agent_keys.privateKey };
    for (const server of ['http://doors.example.org', 'http://10.0.0.1', 'ftp://127.0.0.1', 'http://'])
      await assert.rejects(enroll({ ...given, server }), Problem, server);
  });
});
