import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Problem } from './problem.ts';

export const identityFileName = 'identity.json';

const IdentityFile = Type.Object({
  agent_id: Type.Integer({ minimum: 1 }),
  /** Of whom the agent is, for people. */
  organization: Type.String(),
  server_url: Type.String(),
  public_url: Type.String(),
  /** Raw, base64url. */
  server_public_key: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  /** PKCS #8, PEM. */
  private_key: Type.String(),
  /** Certificates (PEM) to trust beside the system's. */
  authority: Type.Optional(Type.String()),
});
const identityFile = Compile(IdentityFile);

/** Who the agent is, and which server it was enrolled with. Both keys are Ed25519. */
export interface StoredIdentity
  extends Omit<Static<typeof IdentityFile>, 'server_public_key' | 'private_key'> {
  private_key: KeyObject;
  server_public_key: KeyObject;
}

/** Null: the agent was not enrolled. Throws a Problem when the file cannot be read. */
export async function readIdentity(folder: string): Promise<StoredIdentity | null> {
  const path = join(folder, identityFileName);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Problem(
      `${path} cannot be read (${error.code}): run this as the user whom the agent belongs to.`,
    );
  });
  if (text === null) return null;
  try {
    const stored: unknown = JSON.parse(text);
    if (!identityFile.Check(stored)) throw new Error('it is not what was written');
    const { private_key, server_public_key, ...rest } = stored;
    return {
      ...rest,
      private_key: createPrivateKey(private_key),
      server_public_key: publicKeyFrom(server_public_key),
    };
  } catch {
    throw new Problem(`${path} is damaged. Enroll the agent again, with --replace and a new code.`);
  }
}

/** Whole or not at all, and on the disk when this resolves; only its owner can read it. */
export async function writeIdentity(folder: string, identity: StoredIdentity): Promise<void> {
  const path = join(folder, identityFileName);
  const stored: Static<typeof IdentityFile> = {
    ...identity,
    private_key: String(identity.private_key.export({ format: 'pem', type: 'pkcs8' })),
    server_public_key: identity.server_public_key.export({ format: 'jwk' }).x ?? '',
  };
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const text = `${JSON.stringify(stored, null, 2)}\n`;
  await writeFile(fresh, text, { mode: 0o600, flag: 'wx', flush: true });
  await rename(fresh, path);
  const opened = await open(dirname(path), 'r');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

/** An Ed25519 key from its 32 bytes in base64url. */
export function publicKeyFrom(x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
