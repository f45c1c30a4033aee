import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const pages = import.meta.dirname;
const source = path.join(pages, 'guest');
const dist = path.join(pages, 'dist');
const assets = path.join(dist, 'assets');
const built = path.join(dist, 'guest.html');

// The phones of 2022: older ones get the QR code.
const browsers = ['safari15.4', 'chrome99', 'firefox97'];

/** Bundles the visitor's page into `pages/dist`: one page, one script, one style sheet, named by what is in them. */
export async function buildPages(): Promise<{ file: string; bytes: number }[]> {
  const script = await bundle(path.join(source, 'main.ts'));
  const style = styleSheets();
  const scriptName = await hashedName(script, 'js');
  const styleName = await hashedName(style, 'css');
  const markup = readFileSync(path.join(source, 'guest.html'), 'utf8');
  const page = referring(referring(markup, 'main.ts', scriptName), 'guest.css', styleName);

  mkdirSync(assets, { recursive: true });
  // The page comes after what it names and before what it no longer names goes: nobody ever reads half of it.
  replaceFile(path.join(assets, scriptName), script);
  replaceFile(path.join(assets, styleName), style);
  replaceFile(built, page);
  removeOthers(assets, [scriptName, styleName]);
  removeOthers(dist, ['assets', 'guest.html']);
  const files = [`assets/${scriptName}`, `assets/${styleName}`, 'guest.html'];
  return files.map((file) => ({ file, bytes: statSync(path.join(dist, file)).size }));
}

/** Whether a source, this script or the installed packages changed after the last build. */
function isStale(): boolean {
  const names = readdirSync(source);
  const sources = [source, ...names.map((name) => path.join(source, name)), import.meta.filename];
  const times = [...sources, path.join(pages, '..', 'package-lock.json')].map(changedAt);
  return changedAt(built) <= Math.max(...times);
}

function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function bundle(input: string): Promise<string> {
  const { rolldown } = await import('rolldown'); // only when there is something to do: it is not small
  const build = await rolldown({
    input,
    platform: 'browser',
    transform: { target: browsers },
    logLevel: 'warn',
  });
  const { output } = await build.generate({
    format: 'iife',
    minify: true,
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  await build.close();
  return output[0].code;
}

/** Every style sheet of the page in one, in the order of their names. */
function styleSheets(): string {
  const names = readdirSync(source).filter((name) => name.endsWith('.css'));
  return names
    .sort()
    .map((name) => readFileSync(path.join(source, name), 'utf8'))
    .join('');
}

async function hashedName(text: string, extension: string): Promise<string> {
  const { createHash } = await import('node:crypto');
  return `guest.${createHash('sha256').update(text).digest('hex').slice(0, 12)}.${extension}`;
}

function referring(page: string, file: string, asset: string): string {
  if (!page.includes(`"${file}"`)) throw new Error(`guest.html does not name ${file}`);
  return page.replace(`"${file}"`, `"/page/assets/${asset}"`);
}

function replaceFile(file: string, text: string): void {
  const fresh = path.join(path.dirname(file), `.${process.pid}-${path.basename(file)}`);
  writeFileSync(fresh, text);
  renameSync(fresh, file);
}

/** Removes what an earlier build left; what another process is writing at this moment (a dot, just now) stays. */
function removeOthers(folder: string, keep: readonly string[]): void {
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    const beingWritten = name.startsWith('.') && Date.now() - changedAt(file) < 60_000;
    if (!keep.includes(name) && !beingWritten) rmSync(file, { recursive: true, force: true });
  }
}

if (import.meta.main && (!process.argv.includes('--if-stale') || isStale())) {
  for (const { file, bytes } of await buildPages()) {
    if (process.argv.includes('--verbose')) console.log(`${file} ${bytes} bytes`);
  }
}
