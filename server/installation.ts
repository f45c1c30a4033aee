import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { SettingError } from './config.ts';
import type { Context } from './context.ts';
import { only } from './database/database.ts';

/** The key by which agents recognise this server, whatever address it has. */
export interface HostKey {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

type Source = Pick<Context, 'database' | 'sealer' | 'random'>;

const place = { table: 'installation', column: 'value', organization_id: 0, row_id: 'host_key' };

/**
 * The installation's host key, made on the first start. It is sealed, so opening it also shows whether the secret
 * key is the one that this database was written with.
 */
export async function openHostKey({ database, sealer, random }: Source): Promise<HostKey> {
  const plain = await database.everywhere.transaction(async (tx) => {
    const row = await tx.query
      .selectFrom('installation')
      .select('value')
      .where('name', '=', 'host_key')
      .executeTakeFirst();
    if (row) return openSealed(sealer, row.value);
    const { privateKey } = random.keyPair();
    const der = privateKey.export({ format: 'der', type: 'pkcs8' });
    await tx.query
      .insertInto('installation')
      .values({ name: 'host_key', value: sealer.seal(der, place) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    // Two processes may start on an empty database at once: the first one's key is the installation's.
    const kept = await tx.query
      .selectFrom('installation')
      .select('value')
      .where('name', '=', 'host_key')
      .executeTakeFirst();
    return openSealed(sealer, only(kept).value);
  });
  const privateKey = createPrivateKey({ key: Buffer.from(only(plain)), format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

function openSealed(sealer: Context['sealer'], value: Uint8Array): Uint8Array {
  try {
    return sealer.open(value, place);
  } catch {
    throw new SettingError(
      'The secret key is not the one that this database was written with. Set POSTERN_SECRET_KEY or ' +
        'POSTERN_SECRET_KEY_FILE to the first one, or POSTERN_DATA to another folder.',
    );
  }
}
