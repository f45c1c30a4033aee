import type { Knowledge } from '../../agent/door-decision.ts';
import type { LogStore } from '../../agent/outbox-file.ts';
import { addMs } from '../../domain/instants.ts';
import type { ReplicaDoor } from '../../domain/replica.ts';
import type { Connection, Database, Scope, Statement, Transaction } from '../../server/database/database.ts';
import type { Fault, World } from './world.ts';

/*
 * Bugs that a server, an agent or a disk might have. Each is planted into worlds to show that the invariants notice it.
 */

const takingAUse = /update links set uses = uses \+ 1/;
const laterMs = 200;
const staleMsMax = 40;
const endlessS = 10 ** 9;

export const faults: readonly Fault[] = [
  {
    name: 'an agent that does not look at deadlines',
    told: (text, nowMs) => commandsOf(text, (command) => [{ ...command, deadline_ms: nowMs + 1_000 }]),
  },
  {
    name: 'an agent that carries out a command twice',
    told: (text) => commandsOf(text, (command) => [command, command]),
  },
  { name: 'a disk that forgets what was written last when the power goes', forgetfulDisk: true },
  { name: 'an event that is written after the pulse', database: writingLater },
  { name: 'a counter of uses that is read, and written later', database: countingLate },
  {
    name: 'a window whose end is part of it',
    database: (inner) =>
      withStatements(inner, (sql, statement) => (takingAUse.test(sql) ? endingLater(statement) : statement)),
  },
  {
    name: 'a door that is looked for in every organization',
    database: (inner) =>
      withSql(inner, 'where d.organization_id = ? and d.id = ?', 'where ? > 0 and d.id = ?'),
  },
  { name: 'a request that reads and writes', database: writingOnReads },
  { name: 'an agent that does not wait for its record', agent: { store: notAwaited } },
  { name: 'an agent that does not mind how old its revocation list is', agent: { knowing: withoutLimit } },
  { name: 'an agent that does not look at its revocation list', agent: { knowing: withoutList } },
  { name: 'a server that forgets which reports it has', database: forgettingReports },
];

interface Command {
  deadline_ms: number;
}

function commandsOf(text: string, change: (command: Command) => Command[]): string {
  const message = JSON.parse(text);
  if (message.type !== 'unlock') return text;
  return JSON.stringify({ ...message, commands: message.commands.flatMap(change) });
}

function notAwaited(inner: LogStore): LogStore {
  return { ...inner, append: async (text) => void inner.append(text) };
}

function withoutLimit(known: Knowledge): Knowledge {
  const { replica } = known;
  const lenient = (door: ReplicaDoor | null) => door && { ...door, static_offline_limit: endlessS };
  return {
    ...known,
    replica: {
      get organization_id() {
        return replica.organization_id;
      },
      verifyPass: replica.verifyPass,
      door: (door_id) => lenient(replica.door(door_id)),
      schedulesOf: (group_id) => replica.schedulesOf(group_id),
      readerId: (name) => replica.readerId(name),
    },
  };
}

function withoutList(known: Knowledge): Knowledge {
  const { revocations } = known;
  return {
    ...known,
    revocations: {
      get statement() {
        return revocations.statement;
      },
      isRevoked: () => false,
    },
  };
}

function forgettingReports(inner: Database): Database {
  return withScopes(inner, (scope) => ({
    ...scope,
    transaction: (work) =>
      scope.transaction(async (tx) => {
        const result = await work(tx);
        await tx.query.updateTable('agents').set({ outbox_sequence: 0 }).execute();
        return result;
      }),
  }));
}

/** What an unlock has decided is taken back, and only written when the door has moved. */
function writingLater(inner: Database, { time }: World): Database {
  return withScopes(inner, (scope) => ({
    ...scope,
    async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
      let isUnlock = false;
      let early: { result: T } | undefined;
      const noticing = (tx: Transaction) => ({
        ...tx,
        prepare<Row>(sql: string): Statement<Row> {
          if (takingAUse.test(sql)) isUnlock = true;
          return tx.prepare(sql);
        },
      });
      const doing = async (tx: Transaction) => {
        const result = await work(noticing(tx));
        if (!isUnlock) return result;
        early = { result };
        throw new Error('taken back');
      };
      try {
        return await scope.transaction(doing);
      } catch (error) {
        if (!early) throw error;
        time.after(laterMs, () => void scope.transaction(work).catch(() => {}));
        return early.result;
      }
    },
  }));
}

/** How many uses there were is known from before the transaction. */
function countingLate(inner: Database, { time, chance }: World): Database {
  const late = chance.fork();
  return withScopes(inner, (scope) => ({
    ...scope,
    async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
      const rows = await scope.read.prepare<{ id: number; uses: number }>('select id, uses from links').all();
      const usesOf = new Map(rows.map(({ id, uses }) => [id, uses]));
      await time.sleep(late.between(0, staleMsMax));
      const counting = (tx: Transaction): Transaction => ({
        ...tx,
        prepare<Row>(sql: string): Statement<Row> {
          if (!takingAUse.test(sql)) return tx.prepare(sql);
          const written = (uses: number) =>
            sql.replace('uses + 1', `${uses} + 1`).replace('uses < max_uses', `${uses} < max_uses`);
          return {
            ...tx.prepare<Row>(sql),
            get: (at, organization_id, id = null) =>
              tx
                .prepare<Row>(written(usesOf.get(Number(id)) ?? 0))
                .get(at ?? null, organization_id ?? null, id),
          };
        },
      });
      return scope.transaction((tx) => work(counting(tx)));
    },
  }));
}

function endingLater<Row>(statement: Statement<Row>): Statement<Row> {
  return {
    ...statement,
    async get(...parameters) {
      const row = await statement.get(...parameters);
      if (!row || typeof row !== 'object' || !('valid_until' in row)) return row;
      return { ...row, valid_until: addMs(String(row.valid_until), 1) };
    },
  };
}

function writingOnReads(inner: Database): Database {
  return withScopes(inner, (scope) => ({
    ...scope,
    read: {
      ...scope.read,
      prepare<Row>(sql: string): Statement<Row> {
        void scope.transaction(async () => {}).catch(() => {});
        return scope.read.prepare(sql);
      },
    },
  }));
}

function withSql(inner: Database, text: string, instead: string): Database {
  const change = (connection: Connection) => ({
    prepare: <Row>(sql: string): Statement<Row> => connection.prepare(sql.replace(text, instead)),
  });
  return withScopes(inner, (scope) => ({
    read: { ...scope.read, ...change(scope.read) },
    transaction: (work) => scope.transaction((tx) => work({ ...tx, ...change(tx) })),
  }));
}

function withStatements(
  inner: Database,
  change: <Row>(sql: string, statement: Statement<Row>) => Statement<Row>,
): Database {
  return withScopes(inner, (scope) => ({
    ...scope,
    transaction: (work) =>
      scope.transaction((tx) =>
        work({ ...tx, prepare: <Row>(sql: string) => change(sql, tx.prepare<Row>(sql)) }),
      ),
  }));
}

function withScopes(inner: Database, change: (scope: Scope) => Scope): Database {
  return {
    of: (organization_id) => change(inner.of(organization_id)),
    everywhere: change(inner.everywhere),
    settled: () => inner.settled(),
    close: () => inner.close(),
  };
}
