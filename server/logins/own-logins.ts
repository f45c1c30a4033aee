import type { Static } from 'typebox';
import { PosternError } from '../../domain/errors.ts';
import type { LoginChange } from '../../domain/schemas/logins.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import {
  type LoginViewer,
  type LoginWithMember,
  renameLogin,
  revokeLogin,
  revokeLoginsOf,
  selectLogin,
} from './store.ts';

/** Which logins somebody sees: the organization's API keys, with the scope for it, and their own sessions. */
export function viewerOf({ clock }: Context, caller: LoginCaller): LoginViewer {
  const { organization_id, member_id, login_id, scopes } = caller;
  const at = clock.now();
  return { organization_id, member_id, login_id, sees_api_keys: scopes.has('logins:read'), at };
}

/** One login that the caller may see, or `not_found`. */
export async function showLogin(context: Context, caller: LoginCaller, id: number): Promise<LoginWithMember> {
  const { read } = context.database.of(caller.organization_id);
  const login = await selectLogin(read, viewerOf(context, caller), id);
  if (!login) throw new PosternError('not_found');
  return login;
}

/** Ends an API key or a session of one's own: from the next request on it is unknown. */
export async function endLogin(context: Context, caller: LoginCaller, id: number): Promise<void> {
  const viewer = viewerOf(context, caller);
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    const login = await selectLogin(tx, viewer, id);
    if (!login) throw new PosternError('not_found');
    if (login.type === 'api' && id !== caller.login_id) requireWriting(caller);
    const { organization_id } = caller;
    if (!(await revokeLogin(tx, { organization_id, id }, viewer.at))) throw new PosternError('not_found');
    const what = login.type === 'api' ? 'revoked the API key' : 'ended the session';
    await recordChange(context, tx, {
      caller,
      type: 'login.destroy',
      login,
      at: viewer.at,
      message: `${caller.member_name} ${what} ${login.name}`,
    });
  });
}

/** Ends every session of the caller but this one. An API key has none: the other keys are the organization's. */
export async function endOtherLogins(context: Context, caller: LoginCaller): Promise<void> {
  const { organization_id, member_id, login_id } = caller;
  if (caller.login_type === 'api') {
    throw new PosternError('not_permitted', { message: 'An API key has no sessions that it could end.' });
  }
  const at = context.clock.now();
  await context.database.of(organization_id).transaction(async (tx) => {
    const login = await selectLogin(tx, viewerOf(context, caller), login_id);
    if (!login) throw new PosternError('unauthorized');
    await revokeLoginsOf(tx, { organization_id, id: member_id }, { at, except: login_id });
    const message = `${caller.member_name} ended all sessions but this one`;
    await recordChange(context, tx, { caller, type: 'login.destroy', login, at, message });
  });
}

/** Gives the caller's own login another name. */
export async function changeOwnLogin(
  context: Context,
  caller: LoginCaller,
  { name }: Static<typeof LoginChange>,
): Promise<void> {
  if (!name) return;
  if (caller.login_type === 'api') requireWriting(caller);
  const key = { organization_id: caller.organization_id, id: caller.login_id };
  const at = context.clock.now();
  await context.database.of(key.organization_id).transaction(async (tx) => {
    await renameLogin(tx, key, { name, at });
    const message = `${caller.member_name} named a login ${name}`;
    const login = { id: key.id, name };
    await recordChange(context, tx, { caller, type: 'login.update', login, at, message });
  });
}

/** What everybody needs who makes, ends or renames API keys. */
export function requireWriting({ scopes }: Pick<LoginCaller, 'scopes'>): void {
  if (scopes.has('logins:write')) return;
  throw new PosternError('missing_scope', { message: 'This login lacks the scope logins:write.' });
}

interface LoginEvent {
  caller: LoginCaller;
  type: 'login.update' | 'login.destroy';
  login: { id: number; name: string };
  at: string;
  message: string;
}

async function recordChange(context: Context, tx: Transaction, event: LoginEvent): Promise<void> {
  const { caller, login, ...rest } = event;
  const object = { type: 'Login', id: login.id, name: login.name } as const;
  await recordEvent(context, tx, { ...causedBy(caller), ...rest, object });
}
