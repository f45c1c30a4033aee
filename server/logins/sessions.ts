import { invalidField, PosternError } from '../../domain/errors.ts';
import { addMs } from '../../domain/instants.ts';
import type { Context } from '../context.ts';
import { recordEvent } from '../events/events.ts';
import { type SignInMember, selectMember, selectSignIns } from '../members/store.ts';
import { passwordMatches } from '../secrets/passwords.ts';
import { hashOf, secretFrom } from '../secrets/tokens.ts';
import { insertLogin, revokeLogin, selectActiveLogins } from './store.ts';

/** From signing in on, used or not: reading writes nothing, so nobody knows when a login was last used. */
export const sessionMs = 30 * 24 * 3_600_000;
/** Of one member: the oldest ends when there is one more. */
const sessionsMax = 40;

/** What a person types to sign in. */
export interface SignIn {
  email: string;
  password: string;
  domain: string | null;
}

/**
 * Whose address and password these are. Throws `sign_in_failed`, the same and after the same work whatever was wrong;
 * `invalid` when they are right and the address belongs to several organizations; `busy`.
 */
export async function checkSignIn(context: Context, given: SignIn): Promise<SignInMember> {
  const domain = given.domain?.trim().toLowerCase() ?? null;
  const email = given.email.trim();
  const found = await selectSignIns(context.database.everywhere.read, { email, domain });
  const [member, another] = found;
  const right = await passwordMatches(given.password, member?.password_hash ?? null);
  if (!member || !right) throw new PosternError('sign_in_failed');
  if (another) {
    throw invalidField('domain', 'is required: this address belongs to members of several organizations');
  }
  return member;
}

/** Signs a member in whose password was checked. The secret is in the answer and nowhere else. */
export async function openSession(
  context: Context,
  member: SignInMember,
  name: string,
): Promise<{ id: number; organization_id: number; secret: string }> {
  const { organization_id } = member;
  const secret = secretFrom('session', context.random.bytes);
  const at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    await tx.lock('members', member, 'to change');
    const now = await selectMember(tx, member);
    // A password that was changed while this one was being checked opens nothing any more.
    if (now?.password_hash !== member.password_hash) throw new PosternError('sign_in_failed');
    const oldest = (await selectActiveLogins(tx, member, at)).slice(sessionsMax - 1);
    for (const id of oldest) await revokeLogin(tx, { organization_id, id }, at);
    const id = await insertLogin(tx, {
      organization_id,
      member_id: member.id,
      type: 'login',
      name,
      secret_hash: hashOf(secret),
      scopes: null,
      created_at: at,
      updated_at: at,
      expires_at: addMs(at, sessionMs),
      revoked_at: null,
    });
    await recordEvent(context, tx, {
      organization_id,
      type: 'login.create',
      at,
      actor: { type: 'User', id: member.id, name: now.name, email: now.email },
      authenticated_by: { type: 'Login', id },
      object: { type: 'Login', id, name },
      message: `${now.name} signed in`,
    });
    return { id, organization_id, secret };
  });
}
