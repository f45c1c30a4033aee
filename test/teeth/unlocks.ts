import type { Bug } from './bug.ts';

/** From the use to the pulse, and what is asked twice. */
export const unlockBugs: readonly Bug[] = [
  {
    name: 'the event is written after the pulse',
    file: 'server/unlocks/unlocks.ts',
    find: "const by = { actor: recipientOf(link), authenticated_by: { type: 'GroupLink', id: link.id } } as const;",
    replace: `if (decision.granted && door.agent_id !== null)
    await context.agents.unlock(door.agent_id, { command_id: context.random.uuid(), door_id: door.id, pulse_ms: door.pulse_ms });
  const by = { actor: recipientOf(link), authenticated_by: { type: 'GroupLink', id: link.id } } as const;`,
    test: 'server/unlocks/failures.test.ts',
    named: 'at the event is taken back whole',
  },
  {
    name: 'uses are read, then written',
    file: 'server/unlocks/store.ts',
    find: 'export async function takeUse(tx: Transaction, key: LinkKey, at: string)',
    replace: `export async function takeUse(tx: Transaction, key: LinkKey, at: string) {
  const link = await selectLinkRow(tx, key);
  if (!link || link.revoked_at !== null || link.suspended_at !== null) return undefined;
  if (link.max_uses !== null && link.uses >= link.max_uses) return undefined;
  const uses = link.uses + 1;
  await tx
    .prepare('update links set uses = ?, last_used_at = ? where organization_id = ? and id = ?')
    .run(uses, at, key.organization_id, key.link_id);
  return { ...link, uses };
}

export async function takeUseAtOnce(tx: Transaction, key: LinkKey, at: string)`,
    test: 'server/unlocks/unlocks.test.ts',
    named: 'however many ask at once',
    database: 'postgres',
  },
  {
    name: 'each process counts the uses of a link for itself',
    file: 'server/unlocks/store.ts',
    find: 'export async function takeUse(tx: Transaction, key: LinkKey, at: string)',
    replace: `const usesHere = new Map<number, number>();
export async function takeUse(tx: Transaction, key: LinkKey, at: string) {
  const link = await selectLinkRow(tx, key);
  if (!link || link.revoked_at !== null || link.suspended_at !== null) return undefined;
  const uses = Math.max(link.uses, usesHere.get(key.link_id) ?? 0) + 1;
  if (link.max_uses !== null && uses > link.max_uses) return undefined;
  usesHere.set(key.link_id, uses);
  await tx
    .prepare('update links set uses = ?, last_used_at = ? where organization_id = ? and id = ?')
    .run(uses, at, key.organization_id, key.link_id);
  return { ...link, uses };
}

export async function takeUseAtOnce(tx: Transaction, key: LinkKey, at: string)`,
    test: 'test/postgres-two-servers.test.ts',
    named: 'let a link with one use in once',
    database: 'postgres',
  },
  {
    name: 'rows are not held while they are judged',
    file: 'server/database/postgres.ts',
    find: "const strength = how === 'to change' ? 'for no key update' : 'for share';",
    replace: "const strength = how === 'to change' ? '' : '';",
    test: 'server/database/postgres.test.ts',
    named: 'waits for whoever holds a row',
    database: 'postgres',
  },
  {
    name: 'the lock-down of a place is ignored',
    file: 'server/unlocks/store.ts',
    find: 'coalesce(d.locked_down_at, p.locked_down_at) as locked_down_at',
    replace: 'd.locked_down_at',
    test: 'server/doors/lock-down.test.ts',
  },
  {
    name: 'a lock that did not move is no event',
    file: 'server/unlocks/unlocks.ts',
    find: 'await recordFailure(context, tx, {',
    replace: 'if (door.id < 0) await recordFailure(context, tx, {',
    test: 'server/agents/connection.test.ts',
  },
  {
    name: 'what waited too long is opened all the same',
    file: 'server/unlocks/promptness.ts',
    find: 'if (now - askedMs <= waitMsMax)',
    replace: 'if (now - askedMs <= 10 * waitMsMax)',
    test: 'server/unlocks/promptness.test.ts',
  },
  {
    name: 'a repetition commands the lock again',
    file: 'server/unlocks/unlocks.ts',
    find: 'if (context.isRepetition) return repeated(',
    replace: 'if (context.isRepetition && !decision.granted) return repeated(',
    test: 'test/idempotency.test.ts',
    named: 'moves it no second time|commands nothing more',
  },
  {
    name: 'an idempotency key is not bound to the body',
    file: 'server/http/idempotency.ts',
    find: 'request_hash: hashOf(content)',
    replace: 'request_hash: hashOf(typeof content)',
    test: 'test/idempotency.test.ts',
    named: 'with another body is refused',
  },
];
