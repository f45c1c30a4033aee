import { PosternError } from '../../domain/errors.ts';
import { isAsHighAs, type Role, scopesOfRole } from '../../domain/scopes.ts';
import type { LoginCaller } from '../context.ts';
import type { RowKey, Transaction } from '../database/database.ts';
import { lockOwners, type Member, selectMember } from './store.ts';

/** Holds a person's row for the transaction; of owners, all of them, so that two cannot go at once. */
export async function holdMember(tx: Transaction, key: RowKey): Promise<Member> {
  const found = requirePerson(await selectMember(tx, key));
  if (found.role === 'owner') await lockOwners(tx, key.organization_id);
  await tx.lock('members', key, 'to change');
  return requirePerson(await selectMember(tx, key));
}

/** The service member behind the API keys is nobody's to change, nor are those who are gone. */
export function requirePerson(member: Member | undefined): Member {
  if (member?.kind !== 'person') throw new PosternError('not_found');
  return member;
}

/** Nobody makes, changes or removes somebody above themselves; so only an owner makes and unmakes an owner. */
export function requireRank(caller: LoginCaller, role: Role): void {
  if (isAsHighAs(caller.role, role)) return;
  throw new PosternError('not_permitted', {
    message: `This login acts as ${caller.role}: it may not change, nor make, a member who is ${role}.`,
  });
}

/** Whoever lets somebody sign in with a role gives all of its scopes away: an API key needs them itself. */
export function requireGift(caller: LoginCaller, role: Role): void {
  requireRank(caller, role);
  if (caller.login_type === 'login') return;
  const lacking = [...scopesOfRole[role].difference(caller.scopes)];
  if (lacking.length === 0) return;
  throw new PosternError('missing_scope', {
    message: `This API key may not let anybody be ${role}: it lacks ${lacking.join(', ')} itself.`,
  });
}
