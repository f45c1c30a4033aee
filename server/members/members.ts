import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import type { MemberChange, NewMember } from '../../domain/schemas/members.ts';
import type { Role } from '../../domain/scopes.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { RowKey, Transaction } from '../database/database.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { revokeLoginsOf } from '../logins/store.ts';
import { hashPassword } from '../secrets/passwords.ts';
import { type OneTimeLink, oneTimeLink } from './one-time-links.ts';
import { requireGoodPassword } from './passwords.ts';
import { holdMember, requireGift, requirePerson, requireRank } from './rights.ts';
import {
  insertMember,
  isEmailTaken,
  type Member,
  replaceGroupsOfMember,
  selectKnownGroups,
  selectMember,
  selectServiceMember,
  unmakeOwner,
  updateMember,
} from './store.ts';
import { deleteTokens, insertToken } from './token-store.ts';

const roleDefault: Role = 'viewer';

/** Adds a member: with the password that is given, or with an invitation to choose one. */
export async function createMember(
  context: Context,
  caller: LoginCaller,
  input: Static<typeof NewMember>,
): Promise<{ member: Member; invitation: OneTimeLink | null }> {
  const { organization_id } = caller;
  const { email, role = roleDefault, group_ids = [], password } = input;
  requireGift(caller, role);
  requireRoleWithGroups(role, group_ids);
  const name = input.name ?? email;
  const password_hash = password ? await hashNew(context, { organization_id, email, name, password }) : null;
  const invitation = password_hash === null ? oneTimeLink(context, 'invitation') : null;
  const at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    await requireFreeEmail(tx, { organization_id, id: 0 }, email);
    await requireKnownGroups(tx, organization_id, group_ids);
    const id = await insertMember(tx, {
      organization_id,
      ...{ kind: 'person', role, name, email, password_hash },
      confirmed_at: password_hash === null ? null : at,
      access_enabled: Number(input.access_enabled ?? true),
      notes: input.notes ?? null,
      metadata: input.metadata ? JSON.stringify(input.metadata) : null,
      ...{ created_at: at, updated_at: at, deleted_at: null },
    });
    await replaceGroupsOfMember(tx, { organization_id, id }, { group_ids, at });
    await record(context, tx, { caller, type: 'member.create', member: { id, name }, at });
    if (invitation) {
      await insertToken(tx, { organization_id, member_id: id, created_at: at, ...invitation.row });
      await record(context, tx, { caller, type: 'member.invite', member: { id, name }, at });
    }
    return { member: requirePerson(await selectMember(tx, { organization_id, id })), invitation };
  });
}

export async function changeMember(
  context: Context,
  caller: LoginCaller,
  input: { id: number; change: Static<typeof MemberChange> },
): Promise<void> {
  const { change } = input;
  const key = { organization_id: caller.organization_id, id: input.id };
  const at = context.clock.now();
  await context.database.of(key.organization_id).transaction(async (tx) => {
    const before = await holdMember(tx, key);
    const role = change.role ?? before.role;
    requireRank(caller, before.role);
    if (givesMore(change)) requireGift(caller, role);
    const group_ids = role === 'manager' ? (change.group_ids ?? before.group_ids) : (change.group_ids ?? []);
    requireRoleWithGroups(role, group_ids);
    await requireKnownGroups(tx, key.organization_id, group_ids);
    if (change.email !== undefined) await changeAddress(tx, before, change.email);
    if (before.role === 'owner' && role !== 'owner') await requireOtherOwner(tx, key, { role });
    await updateMember(tx, before, { ...changedColumns(change), role, updated_at: at });
    await replaceGroupsOfMember(tx, key, { group_ids, at });
    const member = { id: key.id, name: change.name ?? before.name };
    await record(context, tx, { caller, type: 'member.update', member, at });
  });
}

/** Removes a member for good; whoever is signed in as them is out with the next request. */
export async function removeMember(context: Context, caller: LoginCaller, id: number): Promise<void> {
  const key = { organization_id: caller.organization_id, id };
  const at = context.clock.now();
  await context.database.of(key.organization_id).transaction(async (tx) => {
    const member = await holdMember(tx, key);
    requireRank(caller, member.role);
    if (member.role === 'owner') await requireOtherOwner(tx, key, { deleted_at: at });
    await updateMember(tx, member, { deleted_at: at, updated_at: at });
    await revokeLoginsOf(tx, key, { at });
    await deleteTokens(tx, key);
    await record(context, tx, { caller, type: 'member.destroy', member, at });
  });
}

/** A person of the caller's organization whom the caller may see, or `not_found`. */
export async function showMember(context: Context, caller: LoginCaller, id: number): Promise<Member> {
  const { organization_id } = caller;
  return requirePerson(
    await selectMember(context.database.of(organization_id).read, { organization_id, id }),
  );
}

/** A change by which somebody may end up with more than before. */
function givesMore({ role, group_ids, access_enabled, email }: Static<typeof MemberChange>): boolean {
  return role !== undefined || group_ids !== undefined || access_enabled === true || email !== undefined;
}

function requireRoleWithGroups(role: Role, group_ids: readonly number[]): void {
  if (role !== 'manager' && group_ids.length > 0)
    throw invalidField('group_ids', `must be empty: only a manager runs named groups, and this is a ${role}`);
}

async function requireKnownGroups(
  tx: Transaction,
  organization_id: number,
  group_ids: readonly number[],
): Promise<void> {
  const known = new Set(await selectKnownGroups(tx, organization_id, group_ids));
  if (group_ids.some((id) => !known.has(id))) throw invalidField('group_ids', 'must be ids of your groups');
}

/** One at a time in an organization, so that two cannot take one address at once. */
async function requireFreeEmail(tx: Transaction, key: RowKey, email: string): Promise<void> {
  const { organization_id } = key;
  const service = await selectServiceMember(tx, organization_id);
  if (service) await tx.lock('members', { organization_id, id: service.id }, 'to change');
  if (await isEmailTaken(tx, key, email)) throw invalidField('email', 'must belong to no other member');
}

/** A one-time link that went to the old address opens nothing any more. */
async function changeAddress(tx: Transaction, before: Member, email: string): Promise<void> {
  await requireFreeEmail(tx, before, email);
  await deleteTokens(tx, before);
}

async function requireOtherOwner(
  tx: Transaction,
  key: RowKey,
  change: Parameters<typeof unmakeOwner>[2],
): Promise<void> {
  if (!(await unmakeOwner(tx, key, change))) throw new PosternError('last_owner');
}

function changedColumns(change: Static<typeof MemberChange>) {
  const { email, name, access_enabled, notes, metadata } = change;
  return {
    ...(email === undefined ? {} : { email }),
    ...(name ? { name } : {}),
    ...(access_enabled === undefined ? {} : { access_enabled: Number(access_enabled) }),
    ...(notes === undefined ? {} : { notes }),
    ...(metadata === undefined ? {} : { metadata: metadata && JSON.stringify(metadata) }),
  };
}

async function hashNew(
  context: Context,
  {
    organization_id,
    password,
    ...who
  }: { organization_id: number; email: string; name: string; password: string },
): Promise<string> {
  await requireGoodPassword(context.database.of(organization_id).read, { organization_id, ...who }, password);
  return hashPassword(password, context.random.bytes(16));
}

interface MemberEvent {
  caller: LoginCaller;
  type: 'member.create' | 'member.invite' | 'member.update' | 'member.destroy';
  member: { id: number; name: string };
  at: string;
}

const verbs = { create: 'added', invite: 'invited', update: 'changed', delete: 'removed' } as const;

async function record(context: Context, tx: Transaction, event: MemberEvent): Promise<void> {
  const { caller, type, member, at } = event;
  const verb = verbs[type.slice('member.'.length) as keyof typeof verbs]; // the types above
  const object = { type: 'User', id: member.id, name: member.name } as const;
  const message = `${caller.member_name} ${verb} the member ${member.name}`;
  await recordEvent(context, tx, { ...causedBy(caller), type, at, object, message });
}
