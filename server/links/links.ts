import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import { fold } from '../../domain/fold.ts';
import { chooseValidity, namesNewRecipient } from '../../domain/link.ts';
import type { LinkChange, NewLink } from '../../domain/schemas/links.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { selectGroup } from '../groups/store.ts';
import { hashOf, linkSecretFrom } from '../secrets/tokens.ts';
import { type Credentials, credentialsOf, replaceCredentials, storedSecret } from './credentials.ts';
import { issuePass, replacePass, revokePasses } from './passes.ts';
import {
  insertLink,
  type LinkWithNames,
  type StoredLink,
  selectLink,
  selectRules,
  updateLink,
} from './store.ts';

/** Issues an access link. Answers its id, and the secret; null without a web link. */
export async function createLink(
  context: Context,
  caller: LoginCaller,
  input: Static<typeof NewLink>,
): Promise<{ id: number; secret: string | null }> {
  const { organization_id } = caller;
  const at = context.clock.now();
  const secret = linkSecretFrom(context.random.bytes);
  return context.database.of(organization_id).transaction(async (tx) => {
    const group = await requireGroup(tx, caller, input.group_id);
    const rules = await selectRules(tx, organization_id);
    const { valid_from = null, valid_until = null } = input;
    const validity = requireValidity(chooseValidity({ valid_from, valid_until }, at, rules));
    if (validity.valid_until <= at) throw invalidField('valid_until', 'must lie in the future');
    const type = input.quick_response_code_type;
    const row = {
      organization_id,
      group_id: group.id,
      name: input.name,
      folded: fold(input.name, input.email, input.phone),
      email: input.email ?? null,
      phone: input.phone ?? null,
      ...validity,
      link_enabled: Number(input.link_enabled ?? true),
      quick_response_code_type: type === undefined ? rules.default_quick_response_code_type : type,
      max_uses: input.max_uses ?? null,
      metadata: input.metadata ? JSON.stringify(input.metadata) : null,
      created_by_id: caller.member_id,
      secret_hash: hashOf(secret),
      ...{ secret_sealed: null, suspended_at: null, revoked_at: null, last_used_at: null, revealed_at: null },
      created_at: at,
      updated_at: at,
    };
    const id = await insertLink(tx, row);
    const key = { organization_id, id };
    await updateLink(tx, key, storedSecret(context, key, secret)); // sealed for the row, whose id is known only now
    await issuePass(context, tx, { ...row, id, uses: 0 });
    const link = { id, name: input.name, place_id: group.place_id };
    const message = `${caller.member_name} issued an access link to ${input.name}`;
    await recordLinkEvent(context, tx, { caller, type: 'group_link.create', at, link, message });
    return { id, secret: input.link_enabled === false ? null : secret };
  });
}

/** The link with the names beside it, or `not_found`: revoked ones are gone for the API. */
export async function showLink(context: Context, caller: LoginCaller, id: number): Promise<LinkWithNames> {
  const { organization_id } = caller;
  return requireLink(
    caller,
    await selectLink(context.database.of(organization_id).read, organization_id, id),
  );
}

/**
 * Changes, extends, suspends or resumes a link; its passes follow in the same transaction. A link that was revealed
 * and gets a new recipient gets a new secret and pass too (`secret_rotated`): what the old one may hold is worth nothing.
 */
export async function changeLink(
  context: Context,
  caller: LoginCaller,
  input: { id: number; change: Static<typeof LinkChange> },
): Promise<{ link: LinkWithNames; secret_rotated: boolean }> {
  const { organization_id } = caller;
  const key = { organization_id, id: input.id };
  const at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    const before = await requireLinkToChange(tx, caller, input.id);
    await requireGroup(tx, caller, input.change.group_id ?? before.group_id);
    const fields = await changedFields(tx, before, { change: input.change, at });
    await updateLink(tx, key, { ...fields, updated_at: at });
    const after = requireLink(caller, await selectLink(tx, organization_id, input.id));
    const secret_rotated = before.revealed_at !== null && namesNewRecipient(before, after);
    if (secret_rotated) await replaceCredentials(context, tx, after);
    else await replacePass(context, tx, { before, after });
    const message =
      `${caller.member_name} ${whatChanged(before, after)} the access link of ${after.name}` +
      (secret_rotated ? ' and replaced its secret' : '');
    await recordLinkEvent(context, tx, { caller, type: 'group_link.update', at, link: after, message });
    return { link: after, secret_rotated };
  });
}

/** Ends a link for good: no grant follows the answer to this, over any way. */
export async function revokeLink(context: Context, caller: LoginCaller, id: number): Promise<void> {
  const { organization_id } = caller;
  const at = context.clock.now();
  await context.database.of(organization_id).transaction(async (tx) => {
    const link = await requireLinkToChange(tx, caller, id);
    await updateLink(tx, { organization_id, id }, { revoked_at: at, updated_at: at });
    await revokePasses(context, tx, { organization_id, id });
    const message = `${caller.member_name} revoked the access link of ${link.name}`;
    await recordLinkEvent(context, tx, { caller, type: 'group_link.destroy', at, link, message });
  });
}

/** Answers the link with its credentials, and writes down who was shown them. */
export async function revealLink(
  context: Context,
  caller: LoginCaller,
  id: number,
): Promise<{ link: LinkWithNames; credentials: Credentials }> {
  const { organization_id } = caller;
  const revealed_at = context.clock.now();
  await context.keys.signer(organization_id); // here, and not while the transaction holds a connection
  return context.database.of(organization_id).transaction(async (tx) => {
    const link = await requireLinkToChange(tx, caller, id);
    await updateLink(tx, { organization_id, id }, { revealed_at });
    const message = `${caller.member_name} was shown the secret of the access link of ${link.name}`;
    await recordLinkEvent(context, tx, { caller, type: 'group_link.reveal', at: revealed_at, link, message });
    return { link: { ...link, revealed_at }, credentials: await credentialsOf(context, tx, link) };
  });
}

async function changedFields(
  tx: Transaction,
  before: StoredLink,
  { change, at }: { change: Static<typeof LinkChange>; at: string },
) {
  const { suspended, metadata, link_enabled, valid_from, valid_until, ...plain } = change;
  const wanted = {
    valid_from: valid_from === undefined ? before.valid_from : valid_from,
    valid_until: valid_until === undefined ? before.valid_until : valid_until,
  };
  const moved = wanted.valid_from !== before.valid_from || wanted.valid_until !== before.valid_until;
  const validity = moved
    ? requireValidity(chooseValidity(wanted, at, await selectRules(tx, before.organization_id)))
    : {};
  const { name, email, phone } = { ...before, ...plain };
  return {
    ...plain,
    folded: fold(name, email, phone),
    ...validity,
    ...(link_enabled === undefined ? {} : { link_enabled: Number(link_enabled) }),
    ...(metadata === undefined ? {} : { metadata: metadata && JSON.stringify(metadata) }),
    ...(suspended === undefined ? {} : { suspended_at: suspended ? (before.suspended_at ?? at) : null }),
  };
}

function whatChanged(before: StoredLink, after: StoredLink): string {
  if (before.suspended_at === null && after.suspended_at !== null) return 'suspended';
  if (before.suspended_at !== null && after.suspended_at === null) return 'resumed';
  if (after.valid_until > before.valid_until) return 'extended';
  if (after.valid_until < before.valid_until) return 'shortened';
  return 'changed';
}

async function recordLinkEvent(
  context: Context,
  tx: Transaction,
  event: {
    caller: LoginCaller;
    type: EventType;
    at: string;
    link: Pick<LinkWithNames, 'id' | 'name' | 'place_id'>;
    message: string;
  },
): Promise<void> {
  const { caller, link, ...rest } = event;
  const { id, name, place_id } = link;
  const object = { type: 'GroupLink', id, name } as const;
  await recordEvent(context, tx, { ...causedBy(caller), ...rest, object, place_id });
}

/** Nobody else changes the link until the transaction is over. */
async function requireLinkToChange(tx: Transaction, caller: LoginCaller, id: number): Promise<LinkWithNames> {
  const { organization_id } = caller;
  await tx.lock('links', { organization_id, id }, 'to change');
  return requireLink(caller, await selectLink(tx, organization_id, id));
}

function requireLink(caller: LoginCaller, link: LinkWithNames | undefined): LinkWithNames {
  if (!link || link.revoked_at !== null || !runs(caller, link.group_id)) throw new PosternError('not_found');
  return link;
}

/** The group, which stays until the transaction is over. One that the caller does not run is as good as none. */
async function requireGroup(tx: Transaction, caller: LoginCaller, id: number) {
  const { organization_id } = caller;
  await tx.lock('groups', { organization_id, id }, 'as it is');
  const group = await selectGroup(tx, caller, id);
  if (!group) throw invalidField('group_id', 'must be the id of one of your groups');
  return group;
}

/** Managers run the links of some groups; everybody else those of all. */
function runs({ group_ids }: LoginCaller, group_id: number): boolean {
  return group_ids === null || group_ids.includes(group_id);
}

function requireValidity(chosen: ReturnType<typeof chooseValidity>) {
  if ('field' in chosen) throw invalidField(chosen.field, chosen.expected);
  return chosen;
}
