import { Type } from 'typebox';
import { PosternError } from '../../domain/errors.ts';
import { Name } from '../../domain/schemas/fields.ts';
import { scopesOfRole } from '../../domain/scopes.ts';
import type { Context, LoginCaller } from '../context.ts';
import { only } from '../database/database.ts';
import { recordEvent } from '../events/events.ts';
import { objectParser } from '../http/parse.ts';
import { apiKeyFrom, hashOf, isApiKey } from '../secrets/tokens.ts';

export interface ApiKey {
  id: number;
  name: string;
  organization_id: number;
  created_at: string;
  revoked_at: string | null;
}

type LoginFacts = Omit<LoginCaller, 'kind' | 'scopes' | 'group_ids'>;

const parseName = objectParser(Type.Object({ name: Name }));

const authenticateSql = `
  select l.id as login_id, l.organization_id, l.member_id, m.role, m.name as member_name, m.email as member_email
  from logins l join members m on m.organization_id = l.organization_id and m.id = l.member_id
  where l.secret_hash = ? and l.revoked_at is null`;

/** Who sends this API key; null when nobody may. A key with a wrong checksum never reaches the database. */
export async function authenticateLogin(context: Context, secret: string): Promise<LoginCaller | null> {
  if (!isApiKey(secret)) return null;
  const row = await context.database.everywhere.read.prepare<LoginFacts>(authenticateSql).get(hashOf(secret));
  return row ? { kind: 'login', ...row, scopes: scopesOfRole[row.role], group_ids: null } : null;
}

/** Makes an API key of the organization. The secret is in the answer and nowhere else: only its hash is kept. */
export async function createApiKey(
  context: Context,
  input: { organization_id: number; name: string },
): Promise<ApiKey & { secret: string }> {
  const { organization_id } = input;
  const { name } = parseName({ name: input.name });
  const secret = apiKeyFrom(context.random.bytes);
  const created_at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    const service = await tx.query
      .selectFrom('members')
      .select('id')
      .where('organization_id', '=', organization_id)
      .where('kind', '=', 'service')
      .executeTakeFirst();
    if (!service)
      throw new PosternError('not_found', { message: `There is no organization ${organization_id}.` });
    const row = {
      organization_id,
      member_id: service.id,
      type: 'api',
      name,
      created_at,
      revoked_at: null,
    } as const;
    const inserted = await tx.query
      .insertInto('logins')
      .values({ ...row, secret_hash: hashOf(secret) })
      .returning('id')
      .executeTakeFirst();
    const { id } = only(inserted);
    await recordEvent(context, tx, {
      ...keyEvent({ id, ...row }, created_at),
      type: 'login.create',
      message: `The API key ${name} was created`,
    });
    return { id, name, organization_id, created_at, revoked_at: null, secret };
  });
}

export function listApiKeys(context: Context): Promise<ApiKey[]> {
  return context.database.everywhere.read.query
    .selectFrom('logins')
    .select(['id', 'name', 'organization_id', 'created_at', 'revoked_at'])
    .orderBy('id')
    .execute();
}

/** Ends an API key: from the next request on it is unknown. Ending it twice changes nothing. */
export function revokeApiKey(context: Context, id: number): Promise<ApiKey> {
  const revoked_at = context.clock.now();
  return context.database.everywhere.transaction(async (tx) => {
    const row = await tx.query.selectFrom('logins').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row)
      throw new PosternError('not_found', {
        message: `There is no API key ${id}: see \`postern api-keys list\`.`,
      });
    if (row.revoked_at === null) {
      await tx.query.updateTable('logins').set({ revoked_at }).where('id', '=', id).execute();
      await recordEvent(context, tx, {
        ...keyEvent(row, revoked_at),
        type: 'login.delete',
        message: `The API key ${row.name} was revoked`,
      });
    }
    const { name, organization_id, created_at } = row;
    return { id, name, organization_id, created_at, revoked_at: row.revoked_at ?? revoked_at };
  });
}

function keyEvent(key: { id: number; organization_id: number; name: string }, at: string) {
  const object = { type: 'Login', id: key.id, name: key.name } as const;
  return { organization_id: key.organization_id, at, actor: null, authenticated_by: null, object };
}
