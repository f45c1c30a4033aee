import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Report, reportsPerMessageMax } from '../domain/reports.ts';
import { type NewReport, Outbox, OutboxFull, waitingMax } from './outbox.ts';
import { type LogStore, logStore, recordLine, recordsIn } from './outbox-file.ts';
import { MemoryDisk } from './stand-in-disk.ts';

const at = '2026-06-15T10:00:00.000Z';
const dayMs = 24 * 3_600_000;
const denial = { isGrant: false, settled: true };
const intent = { isGrant: true, settled: false };

function decision(link_id: number, reason: 'credential_revoked' | null = 'credential_revoked'): NewReport {
  const pass_hash = 'a'.repeat(64);
  return {
    kind: 'decision',
    at,
    door_id: 1,
    reader: 'front',
    link_id,
    index: 0,
    pass_hash,
    reason,
    outcome: null,
  };
}

let ids = 0;

async function opened(store: LogStore, wallMs = () => Date.parse(at)) {
  const uuid = () => `01900000-0000-7000-8000-${String(++ids).padStart(12, '0')}`;
  const outbox = new Outbox({ store, wallMs, uuid, logId: () => String(++ids).padStart(43, 'L') });
  await outbox.open();
  return outbox;
}

/** Everything that would be told to a server that keeps nothing. */
function all(outbox: Outbox): Report[] {
  const reports: Report[] = [];
  for (let above = 0; ; above = reports.at(-1)?.sequence ?? 0) {
    const next = outbox.next(above);
    if (next.length === 0) return reports;
    assert.ok(next.length <= reportsPerMessageMax);
    reports.push(...next);
  }
}

const links = (reports: readonly Report[]) =>
  reports.flatMap((report) => (report.kind === 'decision' ? report.link_id : []));
const alarms = (reports: readonly Report[]) =>
  reports.flatMap((report) => (report.kind === 'alarm' ? report.message : []));
const outcomes = (reports: readonly Report[]) =>
  reports.flatMap((report) => (report.kind === 'decision' ? report.outcome : []));

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'postern-outbox-'));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A log of ten reports, as text, and what its agent would have told. */
async function tenReports() {
  const disk = new MemoryDisk();
  const outbox = await opened(disk.store());
  for (let link = 1; link <= 10; link++) await outbox.record(decision(link), denial);
  return { text: disk.logs.get(1) ?? '', told: all(outbox), id: outbox.status.id };
}

function diskWith(text: string): MemoryDisk {
  const disk = new MemoryDisk();
  disk.logs.set(1, text);
  return disk;
}

describe('a damaged log', () => {
  it('cut at every byte of its last three records keeps every whole record and reports the gap', async () => {
    const { text, told } = await tenReports();
    const start = text.lastIndexOf('\n\n', text.lastIndexOf('\n\n', text.lastIndexOf('\n\n') - 1) - 1) + 1;
    for (let length = start; length <= text.length; length++) {
      const { records } = recordsIn(text.slice(0, length));
      const whole = records.length - 1; // without the name of the log
      const rest = text.slice(0, length).slice(text.slice(0, length).lastIndexOf('\n\n') + 2);
      const isTorn = rest.replaceAll('\n', '') !== '' && !recordsIn(`${rest}\n`).records.length;
      const outbox = await opened(diskWith(text.slice(0, length)).store());
      const now = all(outbox);
      assert.deepEqual(now.slice(0, whole), told.slice(0, whole), `cut at ${length}`);
      assert.ok(whole >= 7, `cut at ${length}`);
      assert.equal(alarms(now).length, isTorn ? 1 : 0, `cut at ${length}: ${rest}`);
      const { sequence } = await outbox.record(decision(99), denial);
      assert.ok(sequence > whole, `cut at ${length}`);
      assert.equal(links(all(outbox)).at(-1), 99);
    }
  });

  it('with any bit of one record flipped loses that record alone, and reports it', async () => {
    const { text, told } = await tenReports();
    const record = recordLine(JSON.stringify({ report: told[4], settled: true }));
    const start = text.indexOf(record);
    assert.ok(start > 0);
    const others = told.filter(({ sequence }) => sequence !== 5);
    for (let byte = start; byte < start + record.length; byte++)
      for (let bit = 0; bit < 8; bit++) {
        const bytes = Buffer.from(text, 'latin1');
        bytes[byte] = (bytes[byte] ?? 0) ^ (1 << bit);
        const now = all(await opened(diskWith(bytes.toString('latin1')).store()));
        const kept = now.filter(({ kind }) => kind === 'decision');
        const isLineFeed = byte === start || byte === start + record.length - 1;
        assert.deepEqual(kept, isLineFeed && kept.length === 10 ? told : others, `byte ${byte} bit ${bit}`);
        assert.equal(alarms(now).length, 1, `byte ${byte} bit ${bit}`);
      }
  });

  it('never gives a number again that a lost record had', async () => {
    const { text, told } = await tenReports();
    const last = recordLine(JSON.stringify({ report: told[9], settled: true }));
    const flipped = last.replace('credential_revoked', 'credential_revokee');
    const outbox = await opened(diskWith(text.replace(last, flipped)).store());
    const recorded = await outbox.record(decision(11), denial);
    await outbox.acknowledge(10); // the server has the one that is lost here
    assert.ok(links(outbox.next(10)).includes(11), `number ${recorded.sequence} was taken`);
  });

  it('goes on after what the server is known to keep, and after outcomes of lost records', async () => {
    const { text, told } = await tenReports();
    const last = recordLine(JSON.stringify({ report: told[9], settled: true }));
    for (const line of [{ kept: 10 }, { outcome: 'done', sequence: 10 }]) {
      const outbox = await opened(diskWith(text.replace(last, recordLine(JSON.stringify(line)))).store());
      const { sequence } = await outbox.record(decision(11, null), intent);
      assert.ok(sequence > 10, JSON.stringify(line));
      assert.equal(outbox.next(sequence - 1).length, 0, 'it has no outcome yet');
    }
  });

  it('keeps every letter that a reader may be named with', async (context) => {
    const path = await folder(context);
    const first = await opened(logStore(path));
    const named: NewReport = { ...decision(1), reader: 'Tür, ключ, 🔑' } as NewReport; // one of its kinds, renamed
    await first.record(named, denial);
    await first.close();
    const second = await opened(logStore(path));
    assert.deepEqual(
      all(second).map((report) => 'reader' in report && report.reader),
      ['Tür, ключ, 🔑'],
    );
    await second.close();
  });

  it('of real files is taken up again the same way', async (context) => {
    const path = await folder(context);
    const first = await opened(logStore(path));
    for (let link = 1; link <= 3; link++) await first.record(decision(link), denial);
    await first.close();
    const [name = ''] = await readdir(path);
    const bytes = await readFile(join(path, name));
    await writeFile(join(path, name), bytes.subarray(0, bytes.length - 7));
    const second = await opened(logStore(path));
    assert.deepEqual(links(all(second)), [1, 2]);
    assert.deepEqual(alarms(all(second)), ['1 records of the log were damaged and are lost.']);
    await second.record(decision(4), denial);
    await second.close();
    const third = await opened(logStore(path));
    assert.deepEqual(links(all(third)), [1, 2, 4]);
    assert.equal(third.status.id, first.status.id);
    assert.equal(alarms(all(third)).length, 1, 'the gap is reported once');
    await third.close();
  });
});

describe('the log', () => {
  it('tells in order, a report with an open outcome and all after it later', async () => {
    const outbox = await opened(new MemoryDisk().store());
    await outbox.record(decision(1), denial);
    const { sequence } = await outbox.record(decision(2, null), intent);
    await outbox.record(decision(3), denial);
    assert.deepEqual(links(all(outbox)), [1]);
    outbox.settle(sequence, 'done');
    assert.deepEqual(links(all(outbox)), [1, 2, 3]);
    assert.deepEqual(outcomes(all(outbox)), [null, 'done', null]);
    outbox.settle(sequence, 'unknown');
    assert.deepEqual(outcomes(all(outbox)), [null, 'done', null]);
  });

  it('tells nothing that is not on the disk yet', async () => {
    const disk = new MemoryDisk();
    const store = disk.store();
    const onDisk = Promise.withResolvers<void>();
    let isSlow = false;
    const outbox = await opened({
      ...store,
      append: async (text) => {
        if (isSlow) await onDisk.promise;
        return store.append(text);
      },
    });
    isSlow = true;
    const recorded = outbox.record(decision(1), denial);
    assert.deepEqual(outbox.next(0), []);
    onDisk.resolve();
    await recorded;
    assert.deepEqual(links(outbox.next(0)), [1]);
  });

  it('is rid of what the server keeps, also after a restart', async () => {
    const disk = new MemoryDisk();
    const outbox = await opened(disk.store());
    for (let link = 1; link <= 5; link++) await outbox.record(decision(link), denial);
    await outbox.acknowledge(3);
    assert.deepEqual(links(all(outbox)), [4, 5]);
    await outbox.close();
    const again = await opened(disk.store());
    assert.deepEqual(links(all(again)), [4, 5]);
    assert.equal((await again.record(decision(6), denial)).sequence, 6);
  });

  it('tells a server again that was restored and keeps less', async () => {
    const disk = new MemoryDisk();
    const outbox = await opened(disk.store());
    for (let link = 1; link <= 5; link++) await outbox.record(decision(link), denial);
    const before = all(outbox);
    await outbox.acknowledge(5);
    assert.deepEqual(all(outbox), []);
    await outbox.acknowledge(2);
    assert.deepEqual(all(outbox), before.slice(2));
    await outbox.acknowledge(5);
    assert.deepEqual(all(outbox), []);
  });

  it('knows an outcome that was not written yet when a restored server asks again', async () => {
    const disk = new MemoryDisk();
    const outbox = await opened(disk.store());
    await outbox.record(decision(1), denial);
    const { sequence } = await outbox.record(decision(2, null), intent);
    await outbox.acknowledge(1);
    disk.isFull = true;
    outbox.settle(sequence, 'done');
    await outbox.close();
    await outbox.acknowledge(0);
    assert.deepEqual(outcomes(all(outbox)), [null, 'done']);
    await outbox.acknowledge(2);
    await outbox.acknowledge(0);
    assert.deepEqual(outcomes(all(outbox)), [null, 'unknown']);
  });

  it('reports an intent without an outcome as unknown after a restart, once and for all', async () => {
    const disk = new MemoryDisk();
    const outbox = await opened(disk.store());
    await outbox.record(decision(1, null), intent);
    const { sequence } = await outbox.record(decision(2, null), intent);
    outbox.settle(sequence, 'not_done');
    await outbox.close();
    for (let start = 0; start < 2; start++) {
      const again = await opened(disk.store());
      assert.deepEqual(outcomes(all(again)), ['unknown', 'not_done']);
      await again.close();
    }
  });

  it('keeps a tenth of its room for grants, and raises one alarm before it is full', async () => {
    const outbox = await opened(new MemoryDisk().store());
    const many = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, link) => outbox.record(decision(link + 1), denial)));
    await many(waitingMax * 0.8 - 1);
    await many(waitingMax * 0.1 - 1);
    await many(1); // written after the alarm
    assert.equal(outbox.status.waiting, waitingMax * 0.9);
    const raised = alarms(outbox.next(waitingMax * 0.9 - reportsPerMessageMax)).join('|');
    assert.match(raised, /^The log is nearly full: \d+ of 100000 reports wait for the server\.$/);
    await assert.rejects(outbox.record(decision(1), denial), OutboxFull);
    const grants = Array.from({ length: waitingMax * 0.1 }, () => outbox.record(decision(1, null), intent));
    await Promise.all(grants);
    await assert.rejects(outbox.record(decision(1, null), intent), OutboxFull);
    assert.equal(outbox.status.waiting, waitingMax);
    await outbox.acknowledge(waitingMax * 0.9);
    await outbox.record(decision(1), denial);
  });

  it('keeps what the server has for seven days, in files', async (context) => {
    const path = await folder(context);
    const wall = { ms: Date.now() };
    const first = await opened(logStore(path), () => wall.ms);
    await first.record(decision(1), denial);
    await first.acknowledge(1);
    await first.close();
    const second = await opened(logStore(path), () => wall.ms); // a second file
    await second.record(decision(2), denial);
    wall.ms += 7 * dayMs - 60_000;
    await second.acknowledge(2);
    assert.equal((await readdir(path)).length, 2);
    await second.acknowledge(0);
    assert.deepEqual(links(all(second)), [1, 2]);
    wall.ms += 120_000;
    await second.acknowledge(2);
    assert.equal((await readdir(path)).length, 1);
    await second.acknowledge(0);
    assert.deepEqual(links(all(second)), [2]);
    await second.close();
  });

  it('keeps a file however old that has what the server has not', async (context) => {
    const path = await folder(context);
    const first = await opened(logStore(path));
    for (let link = 1; link <= 2; link++) await first.record(decision(link), denial);
    await first.close();
    const second = await opened(logStore(path));
    await second.record(decision(3), denial);
    await second.close();
    for (const name of await readdir(path)) await utimes(join(path, name), 1, 1);
    const third = await opened(logStore(path));
    await third.acknowledge(1);
    assert.deepEqual(links(all(third)), [2, 3]);
    await third.close();
    const fourth = await opened(logStore(path));
    assert.deepEqual(links(all(fourth)), [2, 3]);
    await fourth.close();
  });
});

describe('a full disk', () => {
  it('refuses what cannot be recorded, and goes on by itself when there is room', async () => {
    const disk = new MemoryDisk();
    const outbox = await opened(disk.store());
    await outbox.record(decision(1), denial);
    disk.isFull = true;
    await assert.rejects(outbox.record(decision(2, null), intent), /ENOSPC/);
    assert.deepEqual(links(all(outbox)), [1]);
    assert.equal(outbox.status.waiting, 1);
    disk.isFull = false;
    await outbox.record(decision(3), denial);
    assert.deepEqual(links(all(outbox)), [1, 3]);
    assert.equal(disk.logs.size, 2, 'after a failed write another file is begun');
    await outbox.close();
    const again = await opened(disk.store());
    assert.deepEqual(links(all(again)), [1, 3]);
    assert.equal(again.status.id, outbox.status.id);
  });

  it('begins another real file after a failed write', async (context) => {
    const path = await folder(context);
    const outbox = await opened(logStore(path));
    await outbox.record(decision(1), denial);
    await outbox.close();
    await rm(path, { recursive: true });
    const broken = logStore(join(path, 'gone'));
    await assert.rejects(broken.append('\nx\n'), /ENOENT/);
    assert.equal(broken.bytes(), 0);
  });

  it('says so at the start', async () => {
    const disk = new MemoryDisk();
    disk.isFull = true;
    await assert.rejects(opened(disk.store()), /ENOSPC/);
  });
});
