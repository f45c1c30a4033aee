import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import type { OwnUserChange } from '../../domain/schemas/members.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { revokeLoginsOf } from '../logins/store.ts';
import { hashPassword, passwordMatches } from '../secrets/passwords.ts';
import { requireConfirmation, requireGoodPassword } from './passwords.ts';
import { type Member, replacePassword, selectMember, updateMember } from './store.ts';
import { deleteTokens } from './token-store.ts';

/** Who is signed in; for an API key, the organization's service member. */
export async function showOwnUser(context: Context, caller: LoginCaller): Promise<Member> {
  const { organization_id, member_id: id } = caller;
  const member = await selectMember(context.database.of(organization_id).read, { organization_id, id });
  if (!member) throw new PosternError('unauthorized');
  return member;
}

/** Changes one's own name or password; a new password ends one's other sessions. */
export async function changeOwnUser(
  context: Context,
  caller: LoginCaller,
  change: Static<typeof OwnUserChange>,
): Promise<void> {
  if (caller.login_type === 'api') {
    throw new PosternError('not_permitted', {
      message: 'An API key is no person: it has no name or password of its own to change.',
    });
  }
  const member = await showOwnUser(context, caller);
  const password = await choosePassword(context, member, change);
  const at = context.clock.now();
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    if (change.name !== undefined) await rename(context, tx, { caller, member, name: change.name, at });
    if (password === null) return;
    if (!(await replacePassword(tx, member, { ...password, at }))) throw wrongPassword();
    await revokeLoginsOf(tx, member, { at, except: caller.login_id });
    await deleteTokens(tx, member);
    const message = `${caller.member_name} changed their password`;
    await recordOwn(context, tx, { caller, type: 'user.password_change', at, message });
  });
}

/** The hash of the password that is to be replaced, and the one that follows; null when none is to change. */
async function choosePassword(
  context: Context,
  member: Member,
  change: Static<typeof OwnUserChange>,
): Promise<{ from: string; to: string } | null> {
  const { current_password, password, password_confirmation } = change;
  if (!password) return null;
  requireConfirmation(password, password_confirmation);
  if (!current_password) throw invalidField('current_password', 'is required to change the password');
  const from = member.password_hash;
  if (!(await passwordMatches(current_password, from)) || from === null) throw wrongPassword();
  await requireGoodPassword(context.database.of(member.organization_id).read, member, password);
  return { from, to: await hashPassword(password, context.random.bytes(16)) };
}

async function rename(
  context: Context,
  tx: Transaction,
  { caller, member, name, at }: { caller: LoginCaller; member: Member; name: string; at: string },
): Promise<void> {
  await updateMember(tx, member, { name, updated_at: at });
  const message = `${caller.member_name} is called ${name} from now on`;
  await recordOwn(context, tx, { caller, type: 'member.update', at, message });
}

interface OwnEvent {
  caller: LoginCaller;
  type: 'member.update' | 'user.password_change';
  at: string;
  message: string;
}

async function recordOwn(context: Context, tx: Transaction, { caller, ...event }: OwnEvent): Promise<void> {
  const object = { type: 'User', id: caller.member_id, name: caller.member_name } as const;
  await recordEvent(context, tx, { ...causedBy(caller), ...event, object });
}

function wrongPassword(): PosternError {
  return new PosternError('wrong_password', { fields: { current_password: ['must be the present one'] } });
}
