import { Type } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import { Name } from '../../domain/schemas/fields.ts';
import { scopes as allScopes, type Scope, scopesOfLogin, scopesOfRole } from '../../domain/scopes.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { recordEvent } from '../events/events.ts';
import { objectParser } from '../http/parse.ts';
import { selectGroupsOfMember, selectServiceMember } from '../members/store.ts';
import { hashOf, isSecret, secretFrom } from '../secrets/tokens.ts';
import { insertLogin, revokeLogin, selectActiveLogins } from './store.ts';

/** How many keys of one organization work at once. */
const apiKeysMax = 100;

export interface ApiKey {
  id: number;
  name: string;
  organization_id: number;
  /** Null: everything that an admin may. */
  scopes: Scope[] | null;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
}

/** Who makes a key, and so the most that it may do. */
export type KeyMaker = Pick<
  LoginCaller,
  'organization_id' | 'member_id' | 'member_name' | 'member_email' | 'scopes'
> & {
  /** Null for somebody who sent a password along instead. */
  login_id: number | null;
};

export interface NewApiKey {
  organization_id: number;
  name: string;
  /** Absent or null: all that its maker may do. */
  scopes?: readonly Scope[] | null;
  expires_at?: string | null;
  /** Absent: the operator, on the command line. */
  maker?: KeyMaker;
}

const parseName = objectParser(Type.Object({ name: Name }));

type LoginFacts = Omit<LoginCaller, 'kind' | 'scopes' | 'group_ids'> & {
  scopes: string | null;
  access_enabled: number;
};

const authenticateSql = `
  select l.id as login_id, l.type as login_type, l.organization_id, l.member_id, l.scopes,
    m.role, m.access_enabled, m.name as member_name, m.email as member_email
  from logins l join members m on m.organization_id = l.organization_id and m.id = l.member_id
  where l.secret_hash = ? and l.revoked_at is null and (l.expires_at is null or l.expires_at > ?)
    and m.deleted_at is null`;

/**
 * Who sends this secret of an API key or a session; null when nobody may. One with a wrong checksum never reaches the
 * database.
 */
export async function authenticateLogin(context: Context, secret: string): Promise<LoginCaller | null> {
  if (!isSecret('api_key', secret) && !isSecret('session', secret)) return null;
  const { read } = context.database.everywhere;
  const row = await read.prepare<LoginFacts>(authenticateSql).get(hashOf(secret), context.clock.now());
  if (!row) return null;
  const { scopes: own, access_enabled, ...facts } = row;
  const member = { organization_id: row.organization_id, id: row.member_id };
  return {
    kind: 'login',
    ...facts,
    scopes: scopesOfLogin({
      role: row.role,
      own: own === null ? null : JSON.parse(own),
      access_enabled: access_enabled === 1,
    }),
    group_ids:
      row.role === 'manager'
        ? await selectGroupsOfMember(context.database.of(row.organization_id).read, member)
        : null,
  };
}

/** Makes an API key of the organization. The secret is in the answer and nowhere else: only its hash is kept. */
export async function createApiKey(
  context: Context,
  input: NewApiKey,
): Promise<ApiKey & { member_id: number; secret: string }> {
  const { organization_id, expires_at = null, maker } = input;
  const { name } = parseName({ name: input.name });
  const scopes = chooseScopes(input.scopes ?? null, maker);
  const secret = secretFrom('api_key', context.random.bytes);
  const at = context.clock.now();
  if (expires_at !== null && expires_at <= at) throw invalidField('expires_at', 'must lie in the future');
  return context.database.of(organization_id).transaction(async (tx) => {
    const service = await selectServiceMember(tx, organization_id);
    if (!service)
      throw new PosternError('not_found', { message: `There is no organization ${organization_id}.` });
    const member = { organization_id, id: service.id };
    await tx.lock('members', member, 'to change');
    if ((await selectActiveLogins(tx, member, at)).length >= apiKeysMax) {
      const message = `There are ${apiKeysMax} API keys already: revoke one first.`;
      throw new PosternError('limit_reached', { message });
    }
    const row = { organization_id, member_id: service.id, type: 'api', name, expires_at } as const;
    const id = await insertLogin(tx, {
      ...row,
      scopes: scopes && JSON.stringify(scopes),
      secret_hash: hashOf(secret),
      created_at: at,
      updated_at: at,
      revoked_at: null,
    });
    await recordKey(context, tx, { key: { id, ...row }, at, maker: maker ?? null, what: 'created' });
    return { id, ...row, scopes, created_at: at, revoked_at: null, secret };
  });
}

/** Every key of the installation, also those that have ended. */
export async function listApiKeys(context: Context): Promise<ApiKey[]> {
  const rows = await context.database.everywhere.read.query
    .selectFrom('logins')
    .select(['id', 'name', 'organization_id', 'scopes', 'created_at', 'expires_at', 'revoked_at'])
    .where('type', '=', 'api')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({ ...row, scopes: row.scopes === null ? null : JSON.parse(row.scopes) }));
}

/** Ends an API key: from the next request on it is unknown. Ending it twice changes nothing. */
export function revokeApiKey(context: Context, id: number): Promise<ApiKey> {
  const at = context.clock.now();
  return context.database.everywhere.transaction(async (tx) => {
    const row = await tx.query
      .selectFrom('logins')
      .select(['id', 'name', 'organization_id', 'scopes', 'created_at', 'expires_at', 'revoked_at'])
      .where('id', '=', id)
      .where('type', '=', 'api')
      .executeTakeFirst();
    if (!row)
      throw new PosternError('not_found', {
        message: `There is no API key ${id}: see \`postern api-keys list\`.`,
      });
    if (await revokeLogin(tx, row, at)) {
      await recordKey(context, tx, { key: row, at, maker: null, what: 'revoked' });
    }
    const scopes = row.scopes === null ? null : JSON.parse(row.scopes);
    return { ...row, scopes, revoked_at: row.revoked_at ?? at };
  });
}

/** A key never does more than its maker: the maker's own scopes where none are named. Null: all of an admin's. */
function chooseScopes(wanted: readonly Scope[] | null, maker: KeyMaker | undefined): Scope[] | null {
  const most = maker ? scopesOfRole.admin.intersection(maker.scopes) : scopesOfRole.admin;
  if (wanted === null) return most.size === scopesOfRole.admin.size ? null : inOrder(most);
  const beyond = wanted.filter((scope) => !most.has(scope));
  if (beyond.length > 0) {
    throw invalidField(
      'scopes',
      `must be within what this login may do itself; it lacks ${beyond.join(', ')}`,
    );
  }
  return inOrder(new Set(wanted));
}

function inOrder(chosen: ReadonlySet<Scope>): Scope[] {
  return allScopes.filter((scope) => chosen.has(scope));
}

interface KeyEvent {
  key: { id: number; organization_id: number; name: string };
  at: string;
  maker: KeyMaker | null;
  what: 'created' | 'revoked';
}

async function recordKey(context: Context, tx: Transaction, event: KeyEvent): Promise<void> {
  const { key, at, maker, what } = event;
  const login_id = maker?.login_id ?? null;
  await recordEvent(context, tx, {
    organization_id: key.organization_id,
    type: what === 'created' ? 'login.create' : 'login.destroy',
    at,
    actor: maker && { type: 'User', id: maker.member_id, name: maker.member_name, email: maker.member_email },
    authenticated_by: login_id === null ? null : { type: 'Login', id: login_id },
    object: { type: 'Login', id: key.id, name: key.name },
    message: maker
      ? `${maker.member_name} ${what} the API key ${key.name}`
      : `The API key ${key.name} was ${what}`,
  });
}
