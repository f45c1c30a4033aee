import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { readIdentity, type StoredIdentity, writeIdentity } from './identity.ts';

/** How an agent that was never started gets its identity, where a program starts both sides. */
export interface FirstStart {
  server_url: string;
  /** The one certificate to trust; undefined: the server speaks http on this machine. */
  certificate: string | undefined;
  newCode: () => Promise<string>;
  /** It was known to the server before there were codes. */
  earlier: Omit<StoredIdentity, 'server_url'> | null;
}

/** The identity in the folder; at a first start it is enrolled like any other agent, over the network. */
export async function identityIn(folder: string, first: FirstStart): Promise<StoredIdentity> {
  const known = await readIdentity(folder);
  if (known) return known;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const identity = await firstIdentity(first);
  await writeIdentity(folder, identity);
  return identity;
}

async function firstIdentity({
  server_url,
  certificate,
  newCode,
  earlier,
}: FirstStart): Promise<StoredIdentity> {
  if (earlier) return { ...earlier, server_url };
  const { enroll } = await import('./enroll.ts');
  const private_key: KeyObject = generateKeyPairSync('ed25519').privateKey;
  return enroll({ server: server_url, code: await newCode(), private_key, trust: { certificate } });
}
