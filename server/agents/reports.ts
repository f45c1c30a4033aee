import { createHash } from 'node:crypto';
import { earlier } from '../../domain/instants.ts';
import type { Report } from '../../domain/reports.ts';
import type { Context } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { recordEvent, recordOutcomes } from '../events/events.ts';
import { passOfIndex } from '../links/passes.ts';
import { countGrant, type LinkTerms, selectLinkRow } from '../unlocks/store.ts';
import type { ProvenAgent } from './handshake.ts';
import { selectAnyDoor, selectEventUuid, selectOutbox, updateAgent } from './store.ts';

type Decision = Extract<Report, { kind: 'decision' }>;
type DoorReport = Extract<Report, { kind: 'door' }>;
type Door = NonNullable<Awaited<ReturnType<typeof selectAnyDoor>>>;

const doorWords: Record<DoorReport['what'], { type: DoorEventType; words: string }> = {
  forced_open: { type: 'lock.forced_open.alarm', words: 'was opened without having been unlocked' },
  held_open: { type: 'lock.held_open.alarm', words: 'has been open for too long' },
  closed: { type: 'lock.closed', words: 'is closed again' },
};
type DoorEventType = 'lock.forced_open.alarm' | 'lock.held_open.alarm' | 'lock.closed';

/**
 * Writes down what an agent did alone, in its order and each once: what is known by its number already is left out.
 * Answers up to which number everything is kept. All of it or nothing: a failure takes the whole message back.
 */
export async function keepReports(
  context: Context,
  agent: ProvenAgent,
  told: { outbox_id: string; reports: readonly Report[] },
): Promise<number> {
  const { organization_id, agent_id: id } = agent;
  const kept = await context.database.of(organization_id).transaction(async (tx) => {
    await tx.lock('agents', { organization_id, id }, 'to change');
    const before = await selectOutbox(tx, { organization_id, id });
    let last = before?.outbox_id === told.outbox_id ? before.outbox_sequence : 0;
    const fresh: Report[] = [];
    for (const report of told.reports) {
      if (report.sequence <= last) continue;
      await keep(context, tx, { agent, report });
      fresh.push(report);
      last = report.sequence;
    }
    const seen = { outbox_id: told.outbox_id, outbox_sequence: last, last_seen_at: context.clock.now() };
    await updateAgent(tx, { organization_id, id }, seen);
    return { last, fresh };
  });
  for (const report of kept.fresh)
    if (report.kind === 'decision') context.metrics.countUnlock(report.reason);
    else if (report.kind === 'unreadable') context.metrics.countUnlock('credential_unknown', report.count);
  return kept.last;
}

interface Told<Kind extends Report = Report> {
  agent: ProvenAgent;
  report: Kind;
}

async function keep(context: Context, tx: Transaction, { agent, report }: Told): Promise<unknown> {
  switch (report.kind) {
    case 'decision':
      return keepDecision(context, tx, { agent, report });
    case 'unreadable':
      return keepEvent(context, tx, {
        agent,
        report,
        type: 'reader.unreadable',
        object: { type: 'Agent', id: agent.agent_id, name: report.reader },
        reader: report.reader,
        reason: 'credential_unknown',
        message: `Something that is no pass was shown at ${report.reader}, ${report.count} times`,
      });
    case 'door':
      return keepDoor(context, tx, { agent, report });
    case 'alarm':
      return keepEvent(context, tx, {
        agent,
        report,
        type: 'agent.alarm',
        object: { type: 'Agent', id: agent.agent_id, name: agent.name },
        message: `${agent.name}: ${report.message}`,
      });
  }
}

async function keepDoor(
  context: Context,
  tx: Transaction,
  { agent, report }: Told<DoorReport>,
): Promise<void> {
  const { organization_id } = agent;
  const door = await selectAnyDoor(tx, { organization_id, id: report.door_id });
  if (!door) return;
  const { type, words } = doorWords[report.what];
  const message = `${door.name} ${words}`;
  await keepEvent(context, tx, { agent, report, type, ...about(door), message });
}

async function keepDecision(
  context: Context,
  tx: Transaction,
  { agent, report }: Told<Decision>,
): Promise<void> {
  const { organization_id } = agent;
  const { link_id, reason, outcome } = report;
  const door = await selectAnyDoor(tx, { organization_id, id: report.door_id });
  if (!door) return; // a door of nobody here: there is nothing to say about it
  const link = await selectLinkRow(tx, { organization_id, link_id });
  const isVerified = link !== undefined && (await isSigned(context, tx, { agent, report }));
  const uuid = await keepEvent(context, tx, {
    agent,
    report,
    type: 'lock.unlock',
    ...about(door),
    ...(link ? causedByLink(link) : {}),
    ...(reason ? { reason } : {}),
    method: 'qr',
    reader: report.reader,
    unverified: reason === null && !isVerified,
    message: `${link?.name ?? 'A visitor'} ${reason ? 'was refused at' : 'unlocked'} ${door.name}`,
  });
  if (reason !== null || outcome === null) return;
  recordOutcomes(tx, [{ event_uuid: uuid, organization_id, outcome, recorded_at: context.clock.now() }]);
  if (isVerified) await countGrant(tx, { organization_id, link_id }, report.at ?? context.clock.now());
  if (outcome === 'done') return;
  const isKnown = outcome === 'not_done';
  await recordEvent(context, tx, {
    ...whence(context, { agent, report }),
    type: 'lock.unlock_failed',
    ...about(door),
    sequence: uuid,
    reason: isKnown ? 'lock_failed' : 'outcome_unknown',
    message: isKnown ? `${door.name} did not unlock` : `${door.name} did not say whether it unlocked`,
  });
}

/** A pass is signed again from its row: the same claims have always the same text, and only its hash was reported. */
async function isSigned(
  context: Context,
  tx: Transaction,
  { agent, report }: Told<Decision>,
): Promise<boolean> {
  const { link_id, index, pass_hash } = report;
  const { organization_id } = agent;
  const text = await passOfIndex(context.keys, tx, { organization_id, link_id, index });
  return text !== null && createHash('sha256').update(text).digest('hex') === pass_hash;
}

type NewReport = Told &
  Pick<Parameters<typeof recordEvent>[2], 'type' | 'object' | 'message'> &
  Partial<Parameters<typeof recordEvent>[2]>;

/** Under the uuid that it was given at the door, unless there is such an event already. */
async function keepEvent(
  context: Context,
  tx: Transaction,
  { agent, report, ...event }: NewReport,
): Promise<string> {
  const isTaken = await selectEventUuid(tx, report.uuid);
  const uuid = isTaken ? context.random.uuid() : report.uuid;
  return recordEvent(context, tx, { ...whence(context, { agent, report }), ...event, uuid });
}

/** Nothing happened later than now, whatever the agent's clock says. */
function whence(context: Context, { agent, report }: Told) {
  const { organization_id, agent_id } = agent;
  const now = context.clock.now();
  const at = earlier(report.at ?? now, now);
  return { organization_id, agent_id, at, actor: null, authenticated_by: null };
}

function about({ id, name, place_id }: Door) {
  return { object: { type: 'Lock', id, name }, place_id } as const;
}

function causedByLink({ id, name, email }: LinkTerms) {
  return {
    actor: { type: 'GroupLink', id, name, email },
    authenticated_by: { type: 'GroupLink', id },
  } as const;
}
