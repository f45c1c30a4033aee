import { Type } from 'typebox';
import { agentProtocolVersion } from '../agent-protocol.ts';
import { Flag, Name } from './fields.ts';
import { listing, SortByName } from './lists.ts';

/* What callers send about agents. */

const { Optional } = Type;

export const NewAgent = Type.Object({ name: Name });

export const AgentChange = Type.Object({ name: Optional(Name) });

export const AgentQuery = Type.Object({ ...listing, online: Optional(Flag), sort: SortByName });

/** What an agent sends to be enrolled, without a noun around it. */
export const Enrolment = Type.Object({
  code: Type.String({ minLength: 1, maxLength: 64, description: 'the one-time code' }),
  public_key: Type.String({
    pattern: '^[A-Za-z0-9_-]{43}$',
    description: 'the 32 bytes of an Ed25519 public key in base64url',
  }),
  proof: Type.String({
    pattern: '^[A-Za-z0-9_-]{86}$',
    description: 'an Ed25519 signature in base64url: of the code and the key, by the key',
  }),
  version: Type.Literal(agentProtocolVersion, {
    description: `${agentProtocolVersion}, which this server speaks: install the same version of Postern on both sides`,
  }),
});
