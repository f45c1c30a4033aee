import type { Static } from 'typebox';
import { invalidField, invalidFields, PosternError } from '../../domain/errors.ts';
import { Credentials, LoginBody, LoginChange, LoginQuery, NewLogin } from '../../domain/schemas/logins.ts';
import { scopesOfLogin } from '../../domain/scopes.ts';
import type { AnyoneCaller, Context, LoginCaller } from '../context.ts';
import type { LoginRequest, Request } from '../http/handlers.ts';
import { bodyParser, objectParser, parseId, queryParser } from '../http/parse.ts';
import { limitSignIn } from '../http/sign-in-limit.ts';
import type { SignInMember } from '../members/store.ts';
import { createApiKey, type KeyMaker } from './logins.ts';
import {
  changeOwnLogin,
  endLogin,
  endOtherLogins,
  requireWriting,
  showLogin,
  viewerOf,
} from './own-logins.ts';
import { checkSignIn, openSession, type SignIn } from './sessions.ts';
import { type LoginWithMember, selectLogin, selectLogins } from './store.ts';

const parseBody = objectParser(LoginBody);
const parseLogin = bodyParser('login', NewLogin);
const parseUser = bodyParser('user', Credentials);
const parseChange = bodyParser('login', LoginChange);
const parseQuery = queryParser(LoginQuery);

const sessionNameDefault = 'Sign-in';

/** A new login with its secret, which no other answer holds: of a member who signs in, or an API key. */
export async function createLogin(
  context: Context,
  { caller, body, reply }: Request<AnyoneCaller | LoginCaller>,
) {
  const { login, signIn } = parseNewLogin(body);
  const address = reply.request.ip;
  const check = (given: SignIn) =>
    limitSignIn(context.limits, { address, email: given.email }, () => checkSignIn(context, given));
  const member = signIn && (await check(signIn));
  const made =
    login.type === 'api'
      ? await createKey(context, makerOf(member, caller), login)
      : await openSession(context, requireMember(member, caller), login.name ?? sessionNameDefault);
  const { id: login_id, organization_id, secret } = made;
  const itself = { organization_id, login_id, member_id: 0, sees_api_keys: false, at: context.clock.now() };
  const row = await selectLogin(context.database.of(organization_id).read, itself, login_id);
  if (!row) throw new PosternError('unauthorized'); // somebody ended it in the meantime
  return { ...loginAnswer(row), ...secretAnswer(row, secret) };
}

export async function listLogins(context: Context, { caller, query, reply }: LoginRequest) {
  const { user_id, scope, ...listing } = parseQuery(query);
  const mine = user_id === 'me' || scope === 'me';
  const member_id = mine ? caller.member_id : user_id === undefined ? undefined : Number(user_id);
  const { rows, range } = await selectLogins(
    context.database.of(caller.organization_id).read,
    viewerOf(context, caller),
    { ...listing, ...(member_id === undefined ? {} : { member_id }) },
  );
  reply.header('x-collection-range', range);
  return rows.map(loginAnswer);
}

export async function showLoginById(context: Context, { caller, params }: LoginRequest) {
  return loginAnswer(await showLogin(context, caller, parseId(params.id ?? '')));
}

export async function showOwnLogin(context: Context, { caller }: LoginRequest) {
  return loginAnswer(await showLogin(context, caller, caller.login_id));
}

export async function changeOwnLoginFromBody(context: Context, { caller, body, reply }: LoginRequest) {
  await changeOwnLogin(context, caller, parseChange(body));
  reply.code(204);
}

export async function endLoginById(context: Context, { caller, params, reply }: LoginRequest) {
  await endLogin(context, caller, parseId(params.id ?? ''));
  reply.code(204);
}

/** Signs out. */
export async function endOwnLogin(context: Context, { caller, reply }: LoginRequest) {
  await endLogin(context, caller, caller.login_id);
  reply.code(204);
}

export async function endLoginsElsewhere(context: Context, { caller, reply }: LoginRequest) {
  await endOtherLogins(context, caller);
  reply.code(204);
}

/** What is to be made, and the address and password that came along, if any did. */
function parseNewLogin(raw: unknown): { login: Static<typeof NewLogin>; signIn: SignIn | null } {
  const body = parseBody(raw);
  const login = parseLogin({ login: body.login ?? {} });
  const { email, password, domain } = parseUser({ user: body.user ?? {} });
  if (login.type !== 'api' && (login.scopes || login.expires_at)) {
    throw invalidField('type', 'must be api for a login with scopes or an end of its own');
  }
  if (!email && !password) return { login, signIn: null };
  if (!email || !password) {
    throw invalidFields({ [email ? 'password' : 'email']: ['is required to sign in'] });
  }
  return { login, signIn: { email, password, domain: domain ?? null } };
}

function createKey(context: Context, maker: KeyMaker, login: Static<typeof NewLogin>) {
  requireWriting(maker);
  const { name, scopes = null, expires_at = null } = login;
  if (!name) throw invalidField('name', 'is required: what the key is for');
  const { organization_id } = maker;
  return createApiKey(context, { organization_id, name, scopes, expires_at, maker });
}

/** Whoever sends a password acts by it, whatever other credential came along. */
function makerOf(member: SignInMember | null, caller: AnyoneCaller | LoginCaller): KeyMaker {
  if (!member) {
    if (caller.kind === 'anyone') throw new PosternError('unauthorized');
    return caller;
  }
  const { role, access_enabled } = member;
  return {
    organization_id: member.organization_id,
    login_id: null,
    member_id: member.id,
    member_name: member.name,
    member_email: member.email,
    scopes: scopesOfLogin({ role, own: null, access_enabled: access_enabled === 1 }),
  };
}

function requireMember(member: SignInMember | null, caller: AnyoneCaller | LoginCaller): SignInMember {
  if (member) return member;
  if (caller.kind === 'anyone') throw new PosternError('unauthorized');
  const required = ['is required to sign in'];
  throw invalidFields({ email: required, password: required });
}

/** Kisi calls a member's session `device`. */
function loginAnswer(login: LoginWithMember) {
  const { id, name, member_id, member_name, member_email, scopes, created_at, updated_at, expires_at } =
    login;
  const noVersion = { name: null, version: null };
  return {
    id,
    created_at,
    updated_at,
    type: login.type === 'api' ? 'api' : 'device',
    name,
    primary: false,
    expire: expires_at !== null,
    last_used_at: null,
    device_brand: null,
    device_model: null,
    os_name: null,
    user_id: member_id,
    user: { id: member_id, resource_type: 'User', email: member_email, name: member_name },
    app: noVersion,
    user_agent: noVersion,
    device: { brand: null, model: null },
    os: noVersion,
    scram_credentials: null,
    scopes: scopes === null ? null : JSON.parse(scopes),
    expires_at,
  };
}

/** What Kisi's clients read beside a login when it is new. */
function secretAnswer({ member_email }: LoginWithMember, secret: string) {
  return {
    secret,
    authentication_token: secret,
    has_primary_device: false,
    email: member_email,
    notifications_unread_count: 0,
    otp_required_for_login: false,
    otp_enabled_at: null,
    image: null,
    primary_login_exists: false,
  };
}
