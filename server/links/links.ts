import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import { fold } from '../../domain/fold.ts';
import { chooseValidity } from '../../domain/link.ts';
import type { LinkChange, NewLink } from '../../domain/schemas/links.ts';
import type { Context, LoginCaller } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { causedBy, recordEvent } from '../events/events.ts';
import { selectGroup } from '../groups/store.ts';
import { hashOf, linkSecretFrom } from '../secrets/tokens.ts';
import { issuePass, replacePass, revokePasses } from './passes.ts';
import {
  insertLink,
  type LinkWithNames,
  type StoredLink,
  selectLink,
  selectRules,
  updateLink,
} from './store.ts';

/** Issues an access link. Answers its id, and the secret that nobody will be shown again; null without a web link. */
export async function createLink(
  context: Context,
  caller: LoginCaller,
  input: Static<typeof NewLink>,
): Promise<{ id: number; secret: string | null }> {
  const { organization_id } = caller;
  const at = context.clock.now();
  const secret = linkSecretFrom(context.random.bytes);
  return context.database.of(organization_id).transaction(async (tx) => {
    const group = await requireGroup(tx, organization_id, input.group_id);
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
      ...{ secret_sealed: null, suspended_at: null, revoked_at: null, last_used_at: null },
      created_at: at,
      updated_at: at,
    };
    const id = await insertLink(tx, row);
    const place = { table: 'links', column: 'secret_sealed', organization_id, row_id: id };
    await updateLink(
      tx,
      { organization_id, id },
      { secret_sealed: context.sealer.seal(Buffer.from(secret), place) },
    );
    await issuePass(context, tx, { ...row, id, uses: 0 });
    const object = { type: 'GroupLink', id, name: input.name } as const;
    const message = `${caller.member_name} issued an access link to ${input.name}`;
    const { place_id } = group;
    await recordEvent(context, tx, {
      ...causedBy(caller),
      type: 'group_link.create',
      at,
      object,
      place_id,
      message,
    });
    return { id, secret: input.link_enabled === false ? null : secret };
  });
}

/** The link with the names beside it, or `not_found`: revoked ones are gone for the API. */
export async function showLink(context: Context, caller: LoginCaller, id: number): Promise<LinkWithNames> {
  return requireLink(
    await selectLink(context.database.of(caller.organization_id).read, caller.organization_id, id),
  );
}

/** Changes, extends, suspends or resumes a link; its passes follow in the same transaction. */
export async function changeLink(
  context: Context,
  caller: LoginCaller,
  input: { id: number; change: Static<typeof LinkChange> },
): Promise<LinkWithNames> {
  const { organization_id } = caller;
  const key = { organization_id, id: input.id };
  const at = context.clock.now();
  return context.database.of(organization_id).transaction(async (tx) => {
    const before = requireLink(await selectLink(tx, organization_id, input.id));
    await requireGroup(tx, organization_id, input.change.group_id ?? before.group_id);
    await updateLink(tx, key, {
      ...(await changedFields(tx, before, { change: input.change, at })),
      updated_at: at,
    });
    const after = requireLink(await selectLink(tx, organization_id, input.id));
    await replacePass(context, tx, { before, after });
    const object = { type: 'GroupLink', id: input.id, name: after.name } as const;
    const message = `${caller.member_name} ${whatChanged(before, after)} the access link of ${after.name}`;
    await recordEvent(context, tx, {
      ...causedBy(caller),
      type: 'group_link.update',
      at,
      object,
      place_id: after.place_id,
      message,
    });
    return after;
  });
}

/** Ends a link for good: no grant follows the answer to this, over any way. */
export async function revokeLink(context: Context, caller: LoginCaller, id: number): Promise<void> {
  const { organization_id } = caller;
  const at = context.clock.now();
  await context.database.of(organization_id).transaction(async (tx) => {
    const link = requireLink(await selectLink(tx, organization_id, id));
    await updateLink(tx, { organization_id, id }, { revoked_at: at, updated_at: at });
    await revokePasses(context, tx, { organization_id, id });
    const object = { type: 'GroupLink', id, name: link.name } as const;
    const message = `${caller.member_name} revoked the access link of ${link.name}`;
    await recordEvent(context, tx, {
      ...causedBy(caller),
      type: 'group_link.delete',
      at,
      object,
      place_id: link.place_id,
      message,
    });
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

function requireLink(link: LinkWithNames | undefined): LinkWithNames {
  if (!link || link.revoked_at !== null) throw new PosternError('not_found');
  return link;
}

async function requireGroup(tx: Transaction, organization_id: number, group_id: number) {
  const group = await selectGroup(tx, organization_id, group_id);
  if (!group) throw invalidField('group_id', 'must be the id of one of your groups');
  return group;
}

function requireValidity(chosen: ReturnType<typeof chooseValidity>) {
  if ('field' in chosen) throw invalidField(chosen.field, chosen.expected);
  return chosen;
}
