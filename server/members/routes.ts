import {
  AcceptedInvitation,
  KisiPasswordReset,
  MemberChange,
  MemberQuery,
  NewInvitation,
  NewMember,
  NewPasswordReset,
  OwnUserChange,
  PasswordReset,
  PasswordResetRequest,
} from '../../domain/schemas/members.ts';
import type { Context } from '../context.ts';
import type { AnyoneRequest, LoginRequest } from '../http/handlers.ts';
import { bodyParser, objectParser, parseId, queryParser } from '../http/parse.ts';
import { showOrganization } from '../organizations/organizations.ts';
import { linkAnswer, memberAnswer, ownUserAnswer, rightsAnswer, userAnswer } from './answers.ts';
import { changeMember, createMember, removeMember, showMember } from './members.ts';
import { acceptInvitation, makeOneTimeLink, resetPassword } from './one-time-links.ts';
import { changeOwnUser, showOwnUser } from './own-user.ts';
import { requireConfirmation } from './passwords.ts';
import { type Member, selectMembers } from './store.ts';

const parseQuery = queryParser(MemberQuery);
const parseNew = { member: bodyParser('member', NewMember), user: bodyParser('user', NewMember) };
const parseChange = { member: bodyParser('member', MemberChange), user: bodyParser('user', MemberChange) };
const parseOwnChange = bodyParser('user', OwnUserChange);
const parseInvitation = bodyParser('invitation', NewInvitation);
const parseAccepted = objectParser(AcceptedInvitation);
const parseReset = bodyParser('password_reset', NewPasswordReset);
const parsePassword = objectParser(PasswordReset);
const parseKisiPassword = bodyParser('user', KisiPasswordReset);
const parseResetRequest = bodyParser('user', PasswordResetRequest);

/** Kisi has two names for one thing, with an answer of its own for each. */
export type MemberNoun = 'member' | 'user';
const answers: Record<MemberNoun, (member: Member) => object> = { member: memberAnswer, user: userAnswer };

export async function listMembers(context: Context, noun: MemberNoun, request: LoginRequest) {
  const { caller, query, reply } = request;
  const { user_id, ...filters } = parseQuery(query);
  const member_id = user_id === 'me' ? caller.member_id : user_id === undefined ? undefined : Number(user_id);
  const { rows, range } = await selectMembers(
    context.database.of(caller.organization_id).read,
    caller.organization_id,
    { ...filters, ...(member_id === undefined ? {} : { member_id }) },
  );
  reply.header('x-collection-range', range);
  return rows.map(answers[noun]);
}

export async function showMemberById(context: Context, noun: MemberNoun, { caller, params }: LoginRequest) {
  return answers[noun](await showMember(context, caller, parseId(params.id ?? '')));
}

/** The only answer that ever holds the invitation. */
export async function createMemberFromBody(
  context: Context,
  noun: MemberNoun,
  { caller, body }: LoginRequest,
) {
  const { member, invitation } = await createMember(context, caller, parseNew[noun](body));
  return { ...answers[noun](member), invitation: invitation && linkAnswer(invitation) };
}

export async function changeMemberById(context: Context, noun: MemberNoun, request: LoginRequest) {
  const { caller, params, body, reply } = request;
  await changeMember(context, caller, { id: parseId(params.id ?? ''), change: parseChange[noun](body) });
  reply.code(204);
}

export async function removeMemberById(context: Context, { caller, params, reply }: LoginRequest) {
  await removeMember(context, caller, parseId(params.id ?? ''));
  reply.code(204);
}

export async function showOwnUserWithRights(context: Context, { caller }: LoginRequest) {
  const user = await showOwnUser(context, caller);
  const organization = await showOrganization(context, caller.organization_id);
  return { ...ownUserAnswer(user, organization), ...rightsAnswer(caller) };
}

export async function changeOwnUserFromBody(context: Context, { caller, body, reply }: LoginRequest) {
  await changeOwnUser(context, caller, parseOwnChange(body));
  reply.code(204);
}

export async function inviteMember(context: Context, { caller, body }: LoginRequest) {
  const { user_id } = parseInvitation(body);
  return linkAnswer(await makeOneTimeLink(context, caller, { kind: 'invitation', member_id: user_id }));
}

export async function acceptInvitationFromBody(context: Context, { body }: AnyoneRequest) {
  const member = await acceptInvitation(context, parseAccepted(body));
  return ownUserAnswer(member, await showOrganization(context, member.organization_id));
}

export async function offerPasswordReset(context: Context, { caller, body }: LoginRequest) {
  const { user_id } = parseReset(body);
  return linkAnswer(await makeOneTimeLink(context, caller, { kind: 'password_reset', member_id: user_id }));
}

export async function resetPasswordFromBody(context: Context, { body, reply }: AnyoneRequest) {
  await resetPassword(context, parsePassword(body));
  reply.code(204);
}

export async function resetPasswordAsKisi(context: Context, { body, reply }: AnyoneRequest) {
  const { reset_password_token: secret, password, password_confirmation } = parseKisiPassword(body);
  requireConfirmation(password, password_confirmation);
  await resetPassword(context, { secret, password });
  reply.code(204);
}

/** Answers the same for every address. Nothing is sent as long as this server sends no mail. */
export function requestPasswordReset({ body, reply }: AnyoneRequest) {
  parseResetRequest(body);
  reply.code(204);
}
