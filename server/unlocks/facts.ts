import type { LinkCredential } from '../../domain/decide.ts';
import { PosternError } from '../../domain/errors.ts';
import { earlier, instantOfSeconds, later } from '../../domain/instants.ts';
import type { Schedule } from '../../domain/schedule.ts';
import type { Context } from '../context.ts';
import type { Connection } from '../database/database.ts';
import { linkCredential } from '../links/view.ts';
import { selectSchedules } from '../schedules/store.ts';
import {
  type DoorFacts,
  type LinkKey,
  type LinkTerms,
  type PassFacts,
  selectDoorFacts,
  selectPassFacts,
} from './store.ts';

/** What beside the link itself says whether it opens the door. */
export interface Facts {
  door: DoorFacts;
  schedules: Schedule[];
  /** Of the presented pass; null: the link never had it. Absent: none was presented. */
  pass?: PassFacts | null;
}

/** Throws `not_found` for a door that the organization does not have. */
export async function selectFacts(
  connection: Connection,
  request: { link: LinkKey; door_id: number; pass?: { index: number } },
  link: LinkTerms,
): Promise<Facts> {
  const { door_id, pass: presented } = request;
  const { organization_id, group_id } = link;
  const [door, schedules, pass] = await Promise.all([
    requireDoor(connection, { organization_id, door_id, group_id }),
    selectSchedules(connection, organization_id, group_id),
    presented && selectPassFacts(connection, { ...request.link, pass_index: presented.index }),
  ]);
  return { door, schedules, ...(presented ? { pass: pass ?? null } : {}) };
}

/** The link's rights; when a pass is presented, never more than that pass was signed for. */
export function credentialOf(
  link: LinkTerms,
  { door, schedules, pass, uses_before }: Facts & { uses_before: number },
): LinkCredential | null {
  const credential = linkCredential(link, {
    includes_door: door.includes_door === 1,
    schedules,
    uses_before,
  });
  if (pass === undefined) return credential;
  if (pass === null) return null;
  const from = instantOfSeconds(pass.not_before_s);
  const until = instantOfSeconds(pass.expires_at_s);
  return {
    ...credential,
    // A suspended link's pass is replaced too: the suspension is what the operator did, and what the answer names.
    revoked: credential.revoked || (pass.revoked_at !== null && !credential.suspended),
    valid_from: later(credential.valid_from ?? from, from),
    valid_until: earlier(credential.valid_until, until),
  };
}

export function doorState(context: Context, door: DoorFacts) {
  const { time_zone, agent_id, locked_down_at, live_only } = door;
  const reachable = context.agents.isReachable(agent_id);
  return { locked_down: locked_down_at !== null, time_zone, reachable, live_only: live_only === 1 };
}

export async function requireDoor(
  connection: Connection,
  key: Parameters<typeof selectDoorFacts>[1],
): Promise<DoorFacts> {
  const door = await selectDoorFacts(connection, key);
  if (!door) throw new PosternError('not_found');
  return door;
}
