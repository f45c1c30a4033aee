import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';

/*
 * The dependency rules of ARCHITECTURE.md. Each failure names the file, the line and the rule.
 */

const ignored = /^(node_modules|data|pages\/dist)\//;
const files = globSync('**/*.ts').filter((file) => !ignored.test(file));
const isTest = (file: string) => file.startsWith('test/') || /\.test\.ts$|(^|\/)stand-in-/.test(file);
const sources = files.filter((file) => !isTest(file));

interface Line {
  file: string;
  number: number;
  text: string;
}

/** What each part of the house may import from the others; itself always. */
const mayImport: Record<string, readonly string[]> = {
  domain: [],
  server: ['domain'],
  agent: ['domain'],
  client: ['domain'],
  pages: ['domain', 'client'],
  docs: ['domain', 'server', 'agent', 'bench'],
  bench: ['domain', 'server', 'agent', 'client', 'test'],
  'postern.ts': ['domain', 'server', 'agent', 'client'],
};

/** In the server, plumbing knows no feature. */
const plumbing = ['bus', 'database', 'jobs', 'http', 'secrets'];
/** The files of a feature that other features may use: what it does, and what it reads. */
const openToOthers = /\/(store|view|keys|passes|sessions|page-sessions|presentations)\.ts$/;

const bannedFolders = /(^|\/)(common|shared|core|lib|utils|helpers)\//;
const bannedNames =
  /^(?:export )?(?:class|interface|type|function)\s+\w+(?:Manager|Service|Helper|Util|Base|Impl|Info|Data|Common)\b/;
const worldReaders =
  /\b(?:process\.env|Date\.now\(|new Date\(\)|Math\.random\(|performance\.now\(|randomBytes\(|Temporal\.Now)/;
/** The one file of each program that reads the environment, the clock and randomness. */
const programs = [
  'postern.ts',
  'server/main.ts',
  'server/config.ts',
  'agent/main.ts',
  'pages/guest/main.ts',
  'pages/reader/main.ts',
  'pages/build.ts',
];

describe('the architecture', () => {
  it('lets dependencies point inwards only', () => {
    refuse(
      imports().filter(({ file, to }) => {
        const from = partOf(file);
        return partOf(to) !== from && !(mayImport[from] ?? []).includes(partOf(to));
      }),
      'imports what its part of the house may not',
    );
  });

  it('keeps the domain free of input and output', () => {
    const outward = lines((file) => file.startsWith('domain/')).filter(({ text }) =>
      /from 'node:|\bfetch\(|\bconsole\./.test(text),
    );
    refuse(outward, 'the domain is pure');
  });

  it('keeps features out of the plumbing, and features out of each other', () => {
    const inServer = imports().filter(({ file, to }) => partOf(file) === 'server' && partOf(to) === 'server');
    const wrong = inServer.filter(({ file, to }) => {
      const [from, into] = [featureOf(file), featureOf(to)];
      if (from === null || into === null || from === into || plumbing.includes(into)) return false;
      return plumbing.includes(from) || !(openToOthers.test(to) || to.endsWith(`/${into}.ts`));
    });
    refuse(
      wrong.filter(({ typeOnly, file }) => !(typeOnly && plumbing.includes(featureOf(file) ?? ''))),
      'reaches into another feature past its operations',
    );
  });

  it('reads the environment, the clock and randomness only where a program begins', () => {
    const readers = lines((file) => !programs.includes(file) && !/^(docs|pages|bench)\//.test(file));
    refuse(
      readers.filter(({ text }) => worldReaders.test(text)),
      'takes time, randomness or settings from the world: pass them in',
    );
  });

  it('has no barrels, no drawers for odds and ends, no vague names', () => {
    refuse(
      sources.filter((file) => bannedFolders.test(file) || /(^|\/)index\.ts$/.test(file)).map(wholeFile),
      'is a drawer or a barrel',
    );
    refuse(
      lines(() => true).filter(({ text }) => bannedNames.test(text)),
      'has a name that says nothing',
    );
    refuse(
      lines(() => true).filter(({ text }) => /^export \* from|^export default/.test(text)),
      'exports without a name',
    );
  });

  it('keeps files short: 300 lines, tests 500', () => {
    const long = files.filter(
      (file) => readFileSync(file, 'utf8').split('\n').length - 1 > (isTest(file) ? 500 : 300),
    );
    refuse(long.map(wholeFile), 'is too long: it is two things');
  });
});

function refuse(found: readonly Line[], rule: string): void {
  const named = found.map(({ file, number, text }) => `${file}:${number} ${rule}: ${text.trim()}`);
  assert.equal(named.join('\n'), '');
}

function lines(wanted: (file: string) => boolean): Line[] {
  return sources.filter(wanted).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((text, index) => ({ file, number: index + 1, text })),
  );
}

/** Every relative import of the sources, where it stands and which file it names. */
function imports(): (Line & { to: string; typeOnly: boolean })[] {
  const everything = lines(() => true);
  return everything.flatMap((line) => {
    const path = /(?:from|import\()\s*'(\.{1,2}\/[^']+)'/.exec(line.text)?.[1];
    if (path === undefined) return [];
    return [
      {
        ...line,
        to: normalize(join(dirname(line.file), path)),
        typeOnly: line.text.startsWith('import type'),
      },
    ];
  });
}

function partOf(file: string): string {
  return file.split('/')[0] ?? file;
}

/** The folder within the server; null for the files beside the folders, which put the parts together. */
function featureOf(file: string): string | null {
  const [part, folder, name] = file.split('/');
  return part === 'server' && name !== undefined ? (folder ?? null) : null;
}

function wholeFile(file: string): Line {
  return { file, number: 1, text: '' };
}
