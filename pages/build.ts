import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const pages = import.meta.dirname;
const dist = path.join(pages, 'dist');
const assets = path.join(dist, 'assets');

// The phones of 2022: older ones get the QR code.
const browsers = ['safari15.4', 'chrome99', 'firefox97'];

/** The pages: each a folder with `<name>.html`, `main.ts` and style sheets, of which `<name>.css` stands for all. */
const names = ['guest', 'reader'];

interface Built {
  name: string;
  page: string;
  assets: { name: string; text: string }[];
}

/** Bundles the pages into `pages/dist`: of each one page, one script, one style sheet, named by what is in them. */
export async function buildPages(): Promise<{ file: string; bytes: number }[]> {
  const built = await Promise.all(names.map(buildPage));
  mkdirSync(assets, { recursive: true });
  // A page comes after what it names and before what it no longer names goes: nobody ever reads half of it.
  const all = built.flatMap((page) => page.assets);
  for (const { name, text } of all) replaceFile(path.join(assets, name), text);
  for (const { name, page } of built) replaceFile(path.join(dist, `${name}.html`), page);
  const pageFiles = names.map((name) => `${name}.html`);
  const assetFiles = all.map(({ name }) => name);
  removeOthers(assets, assetFiles);
  removeOthers(dist, ['assets', ...pageFiles]);
  const files = [...assetFiles.map((name) => `assets/${name}`), ...pageFiles];
  return files.map((file) => ({ file, bytes: statSync(path.join(dist, file)).size }));
}

async function buildPage(name: string): Promise<Built> {
  const source = path.join(pages, name);
  const script = { name: '', text: await bundle(path.join(source, 'main.ts')) };
  const style = { name: '', text: styleSheets(source) };
  script.name = await hashedName(name, script.text, 'js');
  style.name = await hashedName(name, style.text, 'css');
  const markup = readFileSync(path.join(source, `${name}.html`), 'utf8');
  const page = referring(referring(markup, 'main.ts', script.name), `${name}.css`, style.name);
  return { name, page, assets: [script, style] };
}

/** Whether a source, this script or the installed packages changed after the last build. */
function isStale(): boolean {
  const folders = names.map((name) => path.join(pages, name));
  const sources = folders.flatMap((folder) => [
    folder,
    ...readdirSync(folder).map((name) => path.join(folder, name)),
  ]);
  const others = ['domain/reader-protocol.ts', 'package-lock.json'].map((file) =>
    path.join(pages, '..', file),
  );
  const times = [...sources, ...others, import.meta.filename].map(changedAt);
  const built = Math.min(...names.map((name) => changedAt(path.join(dist, `${name}.html`))));
  return built <= Math.max(...times);
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

/** Every style sheet of a page in one, in the order of their names. */
function styleSheets(source: string): string {
  const sheets = readdirSync(source).filter((name) => name.endsWith('.css'));
  return sheets
    .sort()
    .map((name) => readFileSync(path.join(source, name), 'utf8'))
    .join('');
}

async function hashedName(page: string, text: string, extension: string): Promise<string> {
  const { createHash } = await import('node:crypto');
  return `${page}.${createHash('sha256').update(text).digest('hex').slice(0, 12)}.${extension}`;
}

function referring(page: string, file: string, asset: string): string {
  if (!page.includes(`"${file}"`)) throw new Error(`a page does not name ${file}`);
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
