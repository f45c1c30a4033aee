import { readFileSync, writeFileSync } from 'node:fs';
import { denials, type ErrorEntry, errors } from '../domain/errors.ts';
import { settingTable } from '../server/config.ts';
import { apiIntroduction, apiPageLines } from './api-page.ts';
import { benchmarksIntroduction, benchmarksPageLines } from './benchmarks-page.ts';
import { driversIntroduction, driversPageLines } from './drivers-page.ts';
import { limitsIntroduction, limitsPageLines } from './limits-page.ts';

/*
 * Writes the reference pages that are made from the code. With `--check` it writes nothing and fails when a page is
 * not what the code says.
 */

const pages: Record<string, () => string> = {
  'reference/settings.md': settingsPage,
  'reference/errors.md': errorsPage,
  'reference/api.md': apiPage,
  'reference/limits.md': limitsPage,
  'reference/drivers.md': driversPage,
  'reference/benchmarks.md': benchmarksPage,
};

function settingsPage(): string {
  const rows = Object.entries(settingTable).map(
    ([name, setting]) => `| \`${name}\` | ${setting.description} | ${asCode(setting.default)} |`,
  );
  return page(
    'Settings',
    'Every setting is an environment variable. A wrong one stops the start with a sentence that says what to change; ' +
      'so does a name that begins with `POSTERN_` and is not in this table.',
    ['| setting | what it is for | default |', '|---|---|---|', ...rows],
  );
}

function errorsPage(): string {
  const row = ([reason, { code, status, title, hint }]: [string, ErrorEntry]) =>
    `| <a id="${reason}"></a><a id="${code}"></a>\`${reason}\` | \`${code}\` | ${status} | ${title} | ${hint} |`;
  const head = ['| `reason` | `code` | status | what happened | what to do |', '|---|---|---|---|---|'];
  return page(
    'Errors',
    'Every error answer is JSON: `code` (six characters, stable), `error` (a sentence), `reason` (the word in this table), ' +
      '`hint` (what to do), and for 422 `errors`: what was expected, by field. 429 and 503 carry `Retry-After` in seconds. ' +
      'A running server has a page for each at `/docs/errors/<reason>`, which the `Link` header of the answer names.',
    [
      '## Denials',
      '',
      'A denied unlock is an answer, not a failure: it leaves an event with its reason. They are checked in this order, and',
      'the first that applies is given.',
      '',
      ...head,
      ...Object.entries(denials).map(row),
      '',
      '## Everything else',
      '',
      ...head,
      ...Object.entries(errors).map(row),
    ],
  );
}

function limitsPage(): string {
  return page('Limits', limitsIntroduction, limitsPageLines());
}

function driversPage(): string {
  return page('Drivers', driversIntroduction, driversPageLines());
}

function benchmarksPage(): string {
  return page('Benchmarks', benchmarksIntroduction, benchmarksPageLines());
}

function apiPage(): string {
  return page('The HTTP API', apiIntroduction(), apiPageLines());
}

function page(title: string, introduction: string, lines: string[]): string {
  return `<!-- Made by \`npm run docs\` from the code. Do not edit. -->\n\n# ${title}\n\n${introduction}\n\n${lines.join('\n')}\n`;
}

function asCode(text: string): string {
  return text === 'none' ? 'none' : text.replace(/^\S+/, (word) => `\`${word}\``);
}

function readText(file: URL): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const check = process.argv.includes('--check');
for (const [name, write] of Object.entries(pages)) {
  const file = new URL(name, import.meta.url);
  const text = write();
  if (!check) writeFileSync(file, text);
  else if (readText(file) !== text) {
    console.error(`docs/${name} is not what the code says. Run \`npm run docs\` and commit the result.`);
    process.exitCode = 1;
  }
}
