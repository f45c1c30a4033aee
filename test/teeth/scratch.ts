import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from 'node:test';
import type { Bug } from './bug.ts';

/** No test takes longer, whatever is wrong with the program. */
const testMsMax = 120_000;
/** So long the other tests may still run when one has noticed the bug. */
const graceMs = 10_000;
/** Beside what git knows: made once, needed by tests. */
const madeFolders = ['pages/dist'];

/** A copy of the project that goes when it is done with. */
export class Scratch implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-teeth-'));

  constructor(project: string, files: readonly string[]) {
    for (const file of files) {
      mkdirSync(dirname(join(this.folder, file)), { recursive: true });
      cpSync(join(project, file), join(this.folder, file), { recursive: true });
    }
    symlinkSync(join(project, 'node_modules'), join(this.folder, 'node_modules'));
  }

  plant(bug: Bug): void {
    const file = join(this.folder, bug.file);
    writeFileSync(file, planted(readFileSync(file, 'utf8'), bug));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What belongs to the project as it lies there, changed and new files too. */
export function filesOf(project: string): string[] {
  const what = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', what, { cwd: project, encoding: 'utf8' }).split('\0').filter(Boolean);
  return [...listed, ...madeFolders].filter((file) => existsSync(join(project, file)));
}

/** The file's text with the bug in it. Throws when the place for it is not there, or there twice. */
export function planted(text: string, { name, file, find, replace }: Bug): string {
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} must hold exactly once, for the bug "${name}": ${find}`);
  return before + replace + after;
}

export interface TestRun {
  passed: string[];
  failed: string[];
  /** The file could not be run at all, or not to its end: that is no test which noticed something. */
  broken: boolean;
}

/** Runs the tests that a bug names, in the scratch copy. */
export async function runTests({ folder }: Scratch, bug: Bug): Promise<TestRun> {
  const result: TestRun = { passed: [], failed: [], broken: false };
  if (bug.database !== 'postgres')
    return collect(result, { folder, bug, more: { POSTERN_TEST_POSTGRES: undefined } });
  // From the copy: migrations may be what has the bug.
  const { prepareTemplate, startPostgres }: typeof import('../postgres.ts') = await import(
    join(folder, 'test/postgres.ts')
  );
  const postgres = await startPostgres();
  try {
    await prepareTemplate(postgres.adminUrl);
    return await collect(result, { folder, bug, more: { POSTERN_TEST_POSTGRES: postgres.adminUrl } });
  } finally {
    await postgres.stop();
  }
}

async function collect(
  result: TestRun,
  { folder, bug, more }: { folder: string; bug: Bug; more: NodeJS.ProcessEnv },
): Promise<TestRun> {
  const file = join(folder, bug.test);
  const enough = new AbortController();
  const events = run({
    cwd: folder,
    files: [file],
    timeout: testMsMax,
    signal: enough.signal,
    env: { ...process.env, POSTERN_TEST_FIGURES: 'small', ...more },
    ...(bug.named === undefined ? {} : { testNamePatterns: [new RegExp(bug.named)] }),
  });
  let patience: NodeJS.Timeout | undefined;
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details.type === 'suite') continue; // it fails with its tests, which are named themselves
    if (type === 'test:pass') result.passed.push(data.name);
    else if (data.name === file || !hasNoticed(data.details.error)) result.broken = true;
    else result.failed.push(data.name);
    // One is enough. The others may wait for what never comes; but what they have started they had better end.
    if (result.failed.length > 0 || result.broken) patience ??= setTimeout(() => enough.abort(), graceMs);
  }
  clearTimeout(patience);
  return result;
}

/** What failed is the test itself, not what had to be there before it. */
function hasNoticed(error: Error): boolean {
  const kind = 'failureType' in error ? error.failureType : null;
  return kind === 'testCodeFailure' || kind === 'testTimeoutFailure';
}
