import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type PassClaims, readPass, signPass } from '../../domain/pass.ts';
import { startTestServer, type TestServer } from '../../test/test-server.ts';
import { createOrganization } from './organizations.ts';

describe("an organization's pass keys", () => {
  let server: TestServer;
  let other_id: number;
  const claims = (organization_id: number): PassClaims => ({
    organization_id,
    ...{ link_id: 1, group_id: 1, index: 0, online: false },
    ...{ issued_at: 1_800_000_000, not_before: 1_800_000_000, expires_at: 1_800_003_600 },
  });

  before(async () => {
    server = await startTestServer();
    const owner = { email: 'owner@other.invalid', password: 'correct horse battery staple' };
    other_id = (await createOrganization(server.context, { name: 'Other', domain: 'other', owner })).id;
  });
  after(() => server.close());

  it('verify what they signed', async () => {
    const { keys } = server.context;
    const text = signPass(claims(other_id), await keys.signer(other_id));
    const reading = readPass(text, await keys.verifier(other_id));
    assert.ok(reading.ok);
    assert.deepEqual(reading.claims, claims(other_id));
  });

  it('verify nothing that another organization signed, whosever claims are in it', async () => {
    const { keys } = server.context;
    for (const organization_id of [server.organization_id, other_id]) {
      const text = signPass(claims(organization_id), await keys.signer(other_id));
      const reading = readPass(text, await keys.verifier(server.organization_id));
      assert.deepEqual(reading, { ok: false, problem: 'unknown_key_or_bad_signature' });
    }
  });
});
