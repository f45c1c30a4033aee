import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { Compile } from 'typebox/compile';
import { agentProtocolVersion } from '../domain/agent-protocol.ts';
import {
  agentEnrolmentBytes,
  isOfServer,
  parseEnrolmentCode,
  serverEnrolmentBytes,
} from '../domain/enrolment-code.ts';
import { EnrolledAgentAnswer } from '../domain/schemas/answers/agents.ts';
import { publicKeyFrom, type StoredIdentity } from './identity.ts';
import { agentUrl } from './main.ts';
import { postJson, type Trust } from './post.ts';
import { Problem } from './problem.ts';

const answer = Compile(EnrolledAgentAnswer);

export interface EnrollRequest {
  /** The server's address. */
  server: string;
  /** As it was typed. */
  code: string;
  /** Made here; it never leaves. */
  private_key: KeyObject;
  trust?: Trust;
}

/**
 * Exchanges the one-time code for an identity. Nothing of the answer is believed before the server's key has the hash that
 * the code names, and has signed the answer. Throws a Problem that says what to do.
 */
export async function enroll({
  server,
  code: typed,
  private_key,
  trust = {},
}: EnrollRequest): Promise<StoredIdentity> {
  const server_url = serverAddress(server);
  const code = parseEnrolmentCode(typed);
  if (!code)
    throw new Problem(
      `${JSON.stringify(typed)} is no enrolment code: those have 24 letters and digits, in six groups of four.`,
    );
  const public_key = rawKey(createPublicKey(private_key));
  const proof = sign(null, agentEnrolmentBytes({ code: code.code, public_key }), private_key);
  const body = {
    code: code.code,
    public_key,
    proof: proof.toString('base64url'),
    version: agentProtocolVersion,
  };
  const { status, json } = await postJson(new URL('/agents/enroll', server_url), body, trust);
  if (status !== 200) throw refusal(status, json, server_url);
  if (!answer.Check(json)) throw new Problem(`${server_url} answered something that no Postern server does.`);
  const { agent_id, organization, public_url, server_public_key, signature } = json;
  const raw = Buffer.from(server_public_key, 'base64url');
  if (raw.length !== 32 || !isOfServer(code, hash('sha256', raw, 'buffer')))
    throw new Problem(
      `${server_url} is not the server that made this code: its key is another one. Check the address; somebody may be ` +
        'in between. Make a new code before you try again: this one is used up.',
    );
  const key = publicKeyFrom(server_public_key);
  const signed = serverEnrolmentBytes({ code: code.code, public_key, agent_id, public_url });
  if (!verify(null, signed, key, Buffer.from(signature, 'base64url')))
    throw new Problem(`${server_url} could not prove that it has the key that this code names.`);
  const { authority } = trust;
  return {
    ...{ agent_id, organization: organization.name, server_url, public_url, private_key },
    server_public_key: key,
    ...(authority === undefined ? {} : { authority }),
  };
}

/** The origin, of https or of this machine: to anybody else the code would be read on the way. */
function serverAddress(server: string): string {
  const url = URL.parse(server.includes('://') ? server : `https://${server}`);
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new Problem(
      `${JSON.stringify(server)} is no address of a server: write https://doors.example.org.`,
    );
  try {
    agentUrl(url.origin);
  } catch (error) {
    throw new Problem(error instanceof Error ? error.message : String(error));
  }
  return url.origin;
}

function refusal(status: number, json: unknown, server_url: string): Problem {
  const { error, hint }: { error?: unknown; hint?: unknown } = Object(json);
  if (status === 404)
    return new Problem(`${server_url} enrolls no agents: it is no Postern server, or an older one.`);
  if (typeof error !== 'string')
    return new Problem(`${server_url} answered ${status}, and not as Postern does.`);
  return new Problem(typeof hint === 'string' ? `${error} ${hint}` : error);
}

function rawKey(key: KeyObject): string {
  return key.export({ format: 'jwk' }).x ?? '';
}
