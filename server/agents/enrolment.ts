import { hash, sign, verify } from 'node:crypto';
import type { Static } from 'typebox';
import {
  agentEnrolmentBytes,
  enrolmentCodeValidMs,
  enrolmentRandomBytes,
  formatEnrolmentCode,
  parseEnrolmentCode,
  serverEnrolmentBytes,
} from '../../domain/enrolment-code.ts';
import { invalidField, PosternError } from '../../domain/errors.ts';
import { addMs } from '../../domain/instants.ts';
import type { Enrolment, NewAgent } from '../../domain/schemas/agents.ts';
import type { Context, LoginCaller } from '../context.ts';
import { only, type Transaction } from '../database/database.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import type { HostKey } from '../installation.ts';
import { publicKeyOf, rawPublicKey } from '../organizations/keys.ts';
import { hashOf } from '../secrets/tokens.ts';
import { insertAgent, selectAgentByCode, selectAgentSeen, takeEnrolmentCode, updateAgent } from './store.ts';

/** What is handed to whoever enrolls the agent, and shown to nobody again. */
export interface OfferedCode {
  enrollment_code: string;
  enrollment_code_expires_at: string;
}

/** Makes an agent that nobody has enrolled yet, and the code to do it with. */
export async function createAgent(
  context: Context,
  caller: LoginCaller,
  { name, hostKey }: Static<typeof NewAgent> & { hostKey: HostKey },
): Promise<OfferedCode & { id: number }> {
  const { organization_id } = caller;
  const at = context.clock.now();
  const code = newCode(context, hostKey);
  return context.database.of(organization_id).transaction(async (tx) => {
    const id = await insertAgent(tx, { organization_id, name, public_key: null, created_at: at });
    await updateAgent(tx, { organization_id, id }, storedCode(code));
    const object = { type: 'Agent', id, name } as const;
    const message = `${caller.member_name} created the agent ${name}`;
    await recordEvent(context, tx, { ...causedBy(caller), type: 'agent.create', at, object, message });
    return { id, ...code };
  });
}

/** A new code takes the place of the one before; the agent's key stays good until the code is used. */
export async function renewEnrolmentCode(
  context: Context,
  caller: LoginCaller,
  { id, hostKey }: { id: number; hostKey: HostKey },
): Promise<OfferedCode> {
  const key = { organization_id: caller.organization_id, id };
  const at = context.clock.now();
  const code = newCode(context, hostKey);
  await context.database.of(caller.organization_id).transaction(async (tx) => {
    await tx.lock('agents', key, 'to change');
    const agent = await selectAgentSeen(tx, caller, id);
    if (!agent) throw new PosternError('not_found');
    await updateAgent(tx, key, { ...storedCode(code), updated_at: at });
    const object = { type: 'Agent', id, name: agent.name } as const;
    const message = `${caller.member_name} made a new enrolment code for the agent ${agent.name}`;
    await recordEvent(context, tx, { ...causedBy(caller), type: 'agent.update', at, object, message });
  });
  return code;
}

/** What an agent that was enrolled believes from now on. Both keys are raw and in base64url. */
export interface Enrolled {
  agent_id: number;
  name: string;
  organization: { id: number; name: string };
  server_public_key: string;
  public_url: string;
  signature: string;
}

/** Uses the code up and gives the agent this key; the session with an earlier key ends. */
export async function enrollAgent(
  context: Context,
  hostKey: HostKey,
  { code: typed, public_key, proof }: Static<typeof Enrolment>,
): Promise<Enrolled> {
  const code = parseEnrolmentCode(typed)?.code;
  if (code === undefined) throw new PosternError('enrollment_code_over');
  const key = Buffer.from(public_key, 'base64url');
  const proven = agentEnrolmentBytes({ code, public_key });
  if (!verify(null, proven, publicKeyOf(key), Buffer.from(proof, 'base64url')))
    throw invalidField('proof', 'must be the signature of the code and the key, by the key');
  const { agent, organization } = await useCode(context, { code_hash: hashOf(code), public_key: key });
  await context.agents.end(agent.id, 'the agent was enrolled again, with another key');
  const { publicUrl: public_url } = context;
  const signed = serverEnrolmentBytes({ code, public_key, agent_id: agent.id, public_url });
  return {
    agent_id: agent.id,
    name: agent.name,
    organization,
    server_public_key: Buffer.from(rawPublicKey(hostKey.publicKey)).toString('base64url'),
    public_url,
    signature: sign(null, signed, hostKey.privateKey).toString('base64url'),
  };
}

async function useCode(context: Context, given: { code_hash: Uint8Array; public_key: Uint8Array }) {
  const at = context.clock.now();
  const found = await selectAgentByCode(context.database.everywhere.read, given.code_hash);
  if (!found) throw new PosternError('enrollment_code_over');
  const { organization_id, id } = found;
  return context.database.of(organization_id).transaction(async (tx) => {
    const agent = await takeEnrolmentCode(tx, { organization_id, id }, { ...given, at });
    if (!agent) throw new PosternError('enrollment_code_over');
    await recordEvent(context, tx, {
      organization_id,
      type: 'agent.enroll',
      at,
      actor: null,
      authenticated_by: null,
      object: { type: 'Agent', id, name: agent.name },
      message: `The agent ${agent.name} was enrolled${found.public_key ? ' again: its earlier key is good no more' : ''}`,
    });
    return { agent, organization: await organizationOf(tx, organization_id) };
  });
}

async function organizationOf(tx: Transaction, id: number) {
  const rows = tx.query.selectFrom('organizations').select(['id', 'name']).where('id', '=', id);
  return only(await rows.executeTakeFirst());
}

function newCode({ random, clock }: Context, { publicKey }: HostKey): OfferedCode {
  const key_hash = hash('sha256', rawPublicKey(publicKey), 'buffer');
  return {
    enrollment_code: formatEnrolmentCode(random.bytes(enrolmentRandomBytes), key_hash),
    enrollment_code_expires_at: addMs(clock.now(), enrolmentCodeValidMs),
  };
}

/** What the database keeps of a code. */
function storedCode({ enrollment_code, enrollment_code_expires_at }: OfferedCode) {
  const code = only(parseEnrolmentCode(enrollment_code)?.code);
  return { enrollment_code_hash: hashOf(code), enrollment_code_expires_at };
}
