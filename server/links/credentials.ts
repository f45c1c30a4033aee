import { PosternError } from '../../domain/errors.ts';
import type { Context } from '../context.ts';
import type { Connection, Transaction } from '../database/database.ts';
import { hashOf, linkSecretFrom } from '../secrets/tokens.ts';
import { currentPass, issuePass, revokePasses } from './passes.ts';
import { qrPng } from './qr.ts';
import { type StoredLink, updateLink } from './store.ts';

interface LinkKey {
  organization_id: number;
  id: number;
}

/** The columns of a secret: its hash to find the link by, and the secret itself, sealed, to be shown again. */
export function storedSecret(context: Context, { organization_id, id }: LinkKey, secret: string) {
  return {
    secret_hash: hashOf(secret),
    secret_sealed: context.sealer.seal(Buffer.from(secret), placeOf({ organization_id, id })),
  };
}

/** Gives the link another secret and another pass: nothing that was handed out before opens a door or shows its page. */
export async function replaceCredentials(context: Context, tx: Transaction, link: StoredLink): Promise<void> {
  const { organization_id, id } = link;
  const secret = linkSecretFrom(context.random.bytes);
  await updateLink(tx, { organization_id, id }, storedSecret(context, { organization_id, id }, secret));
  await revokePasses(context, tx, { organization_id, id });
  await issuePass(context, tx, link);
}

export type Credentials = Awaited<ReturnType<typeof credentialsOf>>;

/** Everything that opens doors for the link, and where it is found. Null for what the link does not have. */
export async function credentialsOf(context: Context, connection: Connection, link: StoredLink) {
  const { id } = link;
  const secret = link.link_enabled === 1 ? openSecret(context, link) : null;
  const pass = await currentPass(context.keys, connection, link);
  return {
    secret,
    quick_response_code_token: pass,
    quick_response_code_image: pass === null ? null : qrPng(pass).toString('base64'),
    url: secret === null ? null : `${context.publicUrl}/l/${id}#${secret}`,
    qr_code_url: pass === null || secret === null ? null : `${context.publicUrl}/group_link/qr_code.png`,
  };
}

function openSecret(context: Context, { organization_id, id, secret_sealed }: StoredLink): string {
  if (secret_sealed === null) throw new PosternError('internal');
  return Buffer.from(context.sealer.open(secret_sealed, placeOf({ organization_id, id }))).toString();
}

function placeOf({ organization_id, id }: LinkKey) {
  return { table: 'links', column: 'secret_sealed', organization_id, row_id: id };
}
