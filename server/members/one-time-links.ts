import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import { addMs } from '../../domain/instants.ts';
import type { AcceptedInvitation, PasswordReset } from '../../domain/schemas/members.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { RowKey, Transaction } from '../database/database.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { revokeLoginsOf } from '../logins/store.ts';
import { hashPassword } from '../secrets/passwords.ts';
import { hashOf, isSecret, secretFrom } from '../secrets/tokens.ts';
import { requireGoodPassword } from './passwords.ts';
import { holdMember, requireGift } from './rights.ts';
import { type Member, replacePassword, selectMember, updateMember } from './store.ts';
import {
  deleteTokens,
  insertToken,
  type OpenToken,
  selectOpenToken,
  type TokenKind,
  useToken,
} from './token-store.ts';

const hourMs = 3_600_000;
const kinds = {
  invitation: { path: 'invitations', validMs: 7 * 24 * hourMs, event: 'member.invite' },
  password_reset: { path: 'password_resets', validMs: 24 * hourMs, event: 'user.password_reset' },
} as const;

/** What is handed to whoever sends it on, and shown to nobody again. */
export interface OneTimeLink {
  url: string;
  secret: string;
  expires_at: string;
  /** What the database keeps of it. */
  row: { kind: TokenKind; secret_hash: Uint8Array; expires_at: string };
}

/** A new link of a kind. The secret is in the fragment, so that no server on the way writes it down. */
export function oneTimeLink(context: Context, kind: TokenKind): OneTimeLink {
  const { path, validMs } = kinds[kind];
  const secret = secretFrom('one_time', context.random.bytes);
  const expires_at = addMs(context.clock.now(), validMs);
  const row = { kind, secret_hash: hashOf(secret), expires_at };
  return { url: `${context.publicUrl}/${path}#${secret}`, secret, expires_at, row };
}

/** Makes a link by which a member chooses a password; one of the same kind that was made before ends. */
export async function makeOneTimeLink(
  context: Context,
  caller: LoginCaller,
  { kind, member_id }: { kind: TokenKind; member_id: number },
): Promise<OneTimeLink> {
  const { organization_id } = caller;
  const link = oneTimeLink(context, kind);
  const at = context.clock.now();
  await context.database.of(organization_id).transaction(async (tx) => {
    const member = await holdNamedMember(tx, { organization_id, id: member_id });
    requireGift(caller, member.role);
    if (kind === 'invitation' && member.password_hash !== null) {
      throw invalidField('user_id', 'must be a member without a password; others need a password reset');
    }
    await insertToken(tx, { organization_id, member_id, created_at: at, ...link.row });
    const object = { type: 'User', id: member.id, name: member.name } as const;
    const verb = kind === 'invitation' ? 'invited' : 'made a link to reset the password of';
    const message = `${caller.member_name} ${verb} the member ${member.name}`;
    await recordEvent(context, tx, { ...causedBy(caller), type: kinds[kind].event, at, object, message });
  });
  return link;
}

/** Takes an invitation: the member has a password from now on, and can sign in. */
export async function acceptInvitation(
  context: Context,
  input: Static<typeof AcceptedInvitation>,
): Promise<Member> {
  const token = await requireToken(context, 'invitation', input.secret);
  const name = input.name ?? token.name;
  return choosePassword(context, { ...token, name }, { password: input.password, type: 'member.accept' });
}

/** Sets another password by a reset link, and ends whatever was signed in with the one before. */
export async function resetPassword(context: Context, input: Static<typeof PasswordReset>): Promise<void> {
  const token = await requireToken(context, 'password_reset', input.secret);
  await choosePassword(context, token, { password: input.password, type: 'user.password_change' });
}

/** A secret with a wrong checksum never reaches the database; whatever is wrong, the answer is the same. */
async function requireToken(context: Context, kind: TokenKind, secret: string): Promise<OpenToken> {
  const wanted = { secret_hash: hashOf(secret), kind, at: context.clock.now() };
  const token = isSecret('one_time', secret)
    ? await selectOpenToken(context.database.everywhere.read, wanted)
    : undefined;
  if (!token) throw new PosternError('one_time_link_over');
  return token;
}

interface Choice {
  password: string;
  type: 'member.accept' | 'user.password_change';
}

/** A password that will not do leaves the link as it is. */
async function choosePassword(
  context: Context,
  token: OpenToken,
  { password, type }: Choice,
): Promise<Member> {
  const { organization_id, id, member_id, name } = token;
  const member = { organization_id, id: member_id };
  const scope = context.database.of(organization_id);
  await requireGoodPassword(scope.read, token, password);
  const to = await hashPassword(password, context.random.bytes(16));
  const at = context.clock.now();
  return scope.transaction(async (tx) => {
    await tx.lock('members', member, 'to change');
    if (!(await useToken(tx, { organization_id, id }, at))) throw new PosternError('one_time_link_over');
    if (!(await replacePassword(tx, member, { to, at }))) throw new PosternError('one_time_link_over');
    await updateMember(tx, { ...member, name: token.name, email: token.email }, { name });
    await revokeLoginsOf(tx, member, { at });
    await deleteTokens(tx, member);
    await recordOwnChange(context, tx, { token, type, at });
    const now = await selectMember(tx, member);
    if (!now) throw new PosternError('one_time_link_over');
    return now;
  });
}

async function recordOwnChange(
  context: Context,
  tx: Transaction,
  { token, type, at }: { token: OpenToken; type: Choice['type']; at: string },
): Promise<void> {
  const { organization_id, member_id: id, name, email } = token;
  await recordEvent(context, tx, {
    organization_id,
    type,
    at,
    actor: { type: 'User', id, name, email },
    authenticated_by: null,
    object: { type: 'User', id, name },
    message: `${name} ${type === 'member.accept' ? 'accepted the invitation' : 'chose another password by a one-time link'}`,
  });
}

/** The member that a body names. */
async function holdNamedMember(tx: Transaction, key: RowKey): Promise<Member> {
  try {
    return await holdMember(tx, key);
  } catch (error) {
    if (!(error instanceof PosternError)) throw error;
    throw invalidField('user_id', 'must be the id of one of your members');
  }
}
