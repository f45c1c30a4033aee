import { decide, type LinkCredential, nextGrantAt } from '../../domain/decide.ts';
import { PosternError } from '../../domain/errors.ts';
import { isForgotten, linkState } from '../../domain/link.ts';
import type { Schedule } from '../../domain/schedule.ts';
import { toWire } from '../../domain/wire.ts';
import type { Context, LinkCaller } from '../context.ts';
import { selectDoorsOfGroup } from '../doors/store.ts';
import { idsOf, type ListQuery, type Page, rangeOf } from '../http/lists.ts';
import { selectSchedules } from '../schedules/store.ts';
import { currentPass } from './passes.ts';
import { type LinkWithNames, type StoredLink, selectLink } from './store.ts';

type DoorOfLink = Awaited<ReturnType<typeof selectDoorsOfGroup>>[number];

/** The link's own view of itself, for its page and for `GET /group_link`; still there for 30 days after its end. */
export async function viewLink(context: Context, caller: LinkCaller) {
  const link = await requireOwnLink(context, caller);
  const now = context.clock.now();
  const state = linkState(link, now);
  const over = state === 'revoked' || state === 'expired' || state === 'suspended';
  return {
    id: link.id,
    resource_type: 'GroupLink',
    name: link.name,
    organization: { name: link.organization_name },
    state,
    valid_from: link.valid_from,
    valid_until: link.valid_until,
    max_uses: link.max_uses,
    uses: link.uses,
    link_enabled: link.link_enabled === 1,
    server_time: now,
    pass: over ? null : await currentPass(context.keys, context.database.of(link.organization_id).read, link),
  };
}

/** The same with its doors: what the visitor's page shows. */
export async function viewLinkWithDoors(context: Context, caller: LinkCaller) {
  const view = await viewLink(context, caller);
  const doors =
    view.state === 'revoked' || view.state === 'expired' ? [] : await viewDoorsOfLink(context, caller);
  return { ...view, locks: doors };
}

/** The doors of a link in Kisi's reduced shape, and whether each would open now, or when. */
export async function viewDoorsOfLink(context: Context, caller: LinkCaller) {
  const link = await requireOwnLink(context, caller);
  if (link.revoked_at !== null) throw new PosternError('credential_revoked');
  const { organization_id, group_id } = link;
  const schedules = await selectSchedules(
    context.database.of(organization_id).read,
    organization_id,
    group_id,
  );
  const doors = await selectDoorsOfGroup(
    context.database.of(organization_id).read,
    organization_id,
    group_id,
  );
  return doors.map((door) => doorAnswer(context, door, { link, schedules }));
}

/** A page of the link's doors. They are few: the query is answered from all of them. */
export async function listDoorsOfLink(
  context: Context,
  caller: LinkCaller,
  query: ListQuery & { place_id?: number; sort?: string },
): Promise<Page<Record<string, unknown>>> {
  const { ids, place_id, query: text = '', sort, limit = 50, offset = 0 } = query;
  const wanted = ids === undefined ? null : new Set(idsOf(ids));
  const found = (await viewDoorsOfLink(context, caller)).filter(
    (door) =>
      (wanted === null || wanted.has(Number(door.id))) &&
      (place_id === undefined || door.place_id === place_id) &&
      String(door.name).toLowerCase().includes(text.toLowerCase()),
  );
  if (sort?.endsWith('name')) found.sort((one, other) => String(one.name).localeCompare(String(other.name)));
  if (sort === '-name') found.reverse();
  const rows = found.slice(offset, offset + limit);
  return { rows, range: rangeOf(rows.length, offset, found.length) };
}

/** The text of the link's QR code, for whoever holds the link's own secret. */
export async function passOfLink(context: Context, caller: LinkCaller): Promise<string> {
  const { pass } = await viewLink(context, caller);
  if (pass === null) throw new PosternError('not_found', { message: 'This link has no QR code now.' });
  return pass;
}

/** What `decide()` needs to know of a link. `pass`: the presented pass, whose window holds beside the link's. */
export function linkCredential(
  link: Pick<
    StoredLink,
    'valid_from' | 'valid_until' | 'link_enabled' | 'max_uses' | 'uses' | 'suspended_at' | 'revoked_at'
  >,
  facts: { includes_door: boolean; schedules: readonly Schedule[]; uses_before?: number },
): LinkCredential {
  return {
    kind: 'link',
    revoked: link.revoked_at !== null,
    suspended: link.suspended_at !== null,
    valid_from: link.valid_from,
    valid_until: link.valid_until,
    link_enabled: link.link_enabled === 1,
    includes_door: facts.includes_door,
    schedules: facts.schedules,
    max_uses: link.max_uses,
    uses: facts.uses_before ?? link.uses,
    reader_id: null,
  };
}

function doorAnswer(
  context: Context,
  door: DoorOfLink,
  facts: { link: LinkWithNames; schedules: readonly Schedule[] },
) {
  const { link, schedules } = facts;
  const at = context.clock.now();
  const reachable = context.agents.isReachable(door.agent_id);
  const state = {
    locked_down: door.locked_down_at !== null,
    time_zone: door.place_time_zone,
    reachable,
    live_only: false, // says nothing about its page
  };
  const credential = linkCredential(link, { includes_door: true, schedules });
  const decision = decide({ at, method: 'web', reader_id: null, credential, door: state, evidence: null });
  return toWire({
    id: door.id,
    name: door.name,
    description: door.description,
    configured: door.agent_id !== null,
    online: reachable,
    open: false,
    unlocked: false,
    unlocked_until: null,
    locked_down: state.locked_down,
    locked_down_since: door.locked_down_at,
    place_id: door.place_id,
    place: {
      id: door.place_id,
      name: door.place_name,
      latitude: door.place_latitude,
      longitude: door.place_longitude,
      time_zone: door.place_time_zone,
    },
    unlockable: decision.granted,
    reason: decision.granted ? null : decision.reason,
    unlockable_at: decision.granted
      ? at
      : nextGrantAt(credential, { at, time_zone: door.place_time_zone, ...decision }),
  });
}

async function requireOwnLink(context: Context, caller: LinkCaller): Promise<LinkWithNames> {
  const link = await selectLink(
    context.database.of(caller.organization_id).read,
    caller.organization_id,
    caller.link_id,
  );
  if (!link || isForgotten(link, context.clock.now())) throw new PosternError('unauthorized');
  return link;
}
