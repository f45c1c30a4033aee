import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  agentEnrolmentBytes,
  formatEnrolmentCode,
  isOfServer,
  parseEnrolmentCode,
  serverEnrolmentBytes,
} from './enrolment-code.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hash = Uint8Array.of(0xff, 0x00, 0xab, 0xcd, 0xef);
const code = formatEnrolmentCode(new Uint8Array(10), hash);

describe('an enrolment code', () => {
  it('has 24 characters in groups of four: the random bits first, then those of the key', () => {
    assert.equal(code, '0000-0000-0000-0000-ZW0A-QKFF');
  });

  it('comes back as what it was made of', () => {
    fc.assert(
      fc.property(bytes(10), bytes(32), (random, key) => {
        const read = parseEnrolmentCode(formatEnrolmentCode(random, key));
        assert.ok(read);
        assert.deepEqual(read.server_key_hash, key.subarray(0, 5));
        assert.equal(isOfServer(read, key), true);
      }),
    );
  });

  it('differs for every random bit', () => {
    const made = Array.from({ length: 80 }, (_, bit) => {
      const random = new Uint8Array(10);
      random[bit >> 3] = 1 << (bit & 7);
      return formatEnrolmentCode(random, hash);
    });
    assert.equal(new Set([...made, code]).size, 81);
  });

  it('is read as people type: lower case, without hyphens, with spaces, O for 0, I and L for 1', () => {
    const spellings = ['0000000000000000zw0aqkff', ' OOOO oooo 0000-0000 ZWOA-qkff\n'];
    for (const typed of spellings) assert.deepEqual(parseEnrolmentCode(typed), parseEnrolmentCode(code));
    assert.deepEqual(
      parseEnrolmentCode('i1lL-0000-0000-0000-0000-0000'),
      parseEnrolmentCode('1111-0000-0000-0000-0000-0000'),
    );
  });

  it('is none when it is too short, too long, or has a letter that no code has', () => {
    for (const typed of [
      '',
      code.slice(1),
      `${code}0`,
      code.replace('Z', 'U'),
      code.replace('Z', 'É'),
      ' '.repeat(100),
    ])
      assert.equal(parseEnrolmentCode(typed), null, JSON.stringify(typed));
  });

  it('is not of a server whose key has another hash, whichever bit differs', () => {
    const read = parseEnrolmentCode(code);
    assert.ok(read);
    for (let bit = 0; bit < 40; bit++) {
      const other = Uint8Array.from(hash);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(isOfServer(read, other), false);
    }
  });
});

describe('what is signed at an enrolment', () => {
  it('is never the same for agent and server', () => {
    const said = { code: 'C', public_key: 'K' };
    const agent = new TextDecoder().decode(agentEnrolmentBytes(said));
    const server = new TextDecoder().decode(serverEnrolmentBytes({ ...said, agent_id: 7, public_url: 'U' }));
    assert.equal(agent, '["postern-enrolment",1,"agent","C","K"]');
    assert.equal(server, '["postern-enrolment",1,"server","C","K",7,"U"]');
  });
});
