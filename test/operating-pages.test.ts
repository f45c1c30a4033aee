import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { agentFolderSetting } from '../agent/command.ts';
import { settingTable } from '../server/config.ts';
import { freshFolder, startDemo, startPostern } from './demo-process.ts';
import { fetchAnswer } from './test-server.ts';

const pages = new URL('../docs/operating/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, pages), 'utf8');
/** As `systemd-analyze security` counts, in tenths: 0 reaches nothing, 100 everything. */
const exposureMax = 20;

/** The fenced blocks of a page in one language. */
function blocksOf(page: string, language: string): string[] {
  const [, ...blocks] = read(page).split(`\`\`\`${language}\n`);
  return blocks.map((block) => block.split('\n```')[0] ?? '');
}

function run(command: string, args: readonly string[], debianPackage: string): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error) throw new Error(`These tests need ${command} (Debian's ${debianPackage}): ${error.message}`);
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout + stderr;
}

describe('the pages for operators', () => {
  const files = globSync('{operating,start}/*', { cwd: new URL('../', pages) }).map((file) => `../${file}`);

  it('name settings that there are', () => {
    for (const file of files)
      for (const [name] of read(file).matchAll(/\bPOSTERN_[A-Z_]+\b/g))
        assert.ok(name in settingTable || name === agentFolderSetting, `${file}: ${name}`);
  });

  it('lead somewhere', () => {
    for (const file of files)
      for (const [, target = ''] of read(file).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
        assert.ok(existsSync(new URL(target, new URL(file, pages))), `${file}: ${target}`);
  });
});

describe('the page about monitoring', { timeout: 60_000 }, () => {
  const folder = freshFolder();
  after(() => folder[Symbol.dispose]());

  it('names the metrics that there are, all of them', async () => {
    await using demo = await startDemo(join(folder.path, 'data'));
    const { body } = await demo.call('GET', '/metrics');
    const served = [...String(body).matchAll(/^# TYPE (postern_\w+)/gm)].map(([, name]) => name);
    const named = [...read('monitoring.md').matchAll(/^\| `(postern_\w+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(named.sort(), served.sort());
  });
});

describe('the unit file for systemd', () => {
  const folder = freshFolder();
  after(() => folder[Symbol.dispose]());

  it('is understood by systemd, and leaves the service little to reach', () => {
    const unit = read('postern.service');
    const installed = '/opt/postern/node_modules/node/bin/node /opt/postern/postern.ts';
    assert.ok(unit.includes(`ExecStart=${installed} serve\n`));
    const file = join(folder.path, 'postern.service');
    // On this machine there is neither the program in its place nor its user; every Debian has this one.
    const here = unit
      .replace(installed, process.execPath)
      .replaceAll(/^(User|Group)=postern$/gm, '$1=daemon');
    writeFileSync(file, here);
    assert.equal(run('systemd-analyze', ['verify', '--man=no', file], 'systemd'), '');
    const judged = ['security', '--offline=true', '--no-pager', `--threshold=${exposureMax}`, file];
    assert.match(run('systemd-analyze', judged, 'systemd'), /Overall exposure level/);
  });

  it('has every command of its page run as the service runs', () => {
    const [functionOfPage = ''] = blocksOf('systemd.md', 'sh').filter((block) =>
      block.includes('systemd-run'),
    );
    const unit = read('postern.service');
    for (const [setting, inFunction] of [
      ['User=postern', '--uid=postern'],
      ['EnvironmentFile=/etc/postern/postern.env', '--property=EnvironmentFile=/etc/postern/postern.env'],
      ['UMask=0077', '--property=UMask=0077'],
      ['StateDirectory=postern', '--property=StateDirectory=postern'],
      ['StateDirectoryMode=0700', '--property=StateDirectoryMode=0700'],
    ] as const) {
      assert.ok(unit.includes(`\n${setting}\n`), setting);
      assert.ok(functionOfPage.includes(inFunction), inFunction);
    }
  });
});

describe('the backup of the embedded database', { timeout: 60_000 }, () => {
  const folder = freshFolder();
  after(() => folder[Symbol.dispose]());

  it('is whole while the server runs, and an installation again once it is restored', async () => {
    const dataFolder = join(folder.path, 'data');
    const copies = join(folder.path, 'copies');
    mkdirSync(copies);
    await using demo = await startDemo(dataFolder);
    const link = await demo.createLink({ name: 'Before' });
    const [command = '', check = ''] = blocksOf('backup.md', 'sh');
    const copy = join(copies, 'copy.db');
    const changed = (text: string) =>
      text
        .replace('/var/lib/postern/postern.db', join(dataFolder, 'postern.db'))
        .replace(/\/var\/backups\/postern\/postern-[^'"]*(?:\)|\d)\.db/, copy);
    run('sh', ['-c', changed(command)], 'sqlite3');
    await demo.createLink({ name: 'After' });
    assert.equal(run('sh', ['-c', changed(check)], 'sqlite3'), 'ok\n');
    assert.equal(existsSync(`${copy}-wal`), false, 'one file');

    const restored = join(folder.path, 'restored');
    mkdirSync(restored);
    copyFileSync(copy, join(restored, 'postern.db'));
    const key = readFileSync(join(dataFolder, 'secret.key'), 'utf8');
    const settings = { POSTERN_DATA: restored, POSTERN_SECRET_KEY: key.trim(), POSTERN_PORT: '0' };
    await using serve = startPostern(['serve'], settings);
    const url = (await serve.firstLine()).replace('Postern listens at ', '');
    const list = await fetchAnswer(url, { method: 'GET', path: '/group_links', secret: demo.demo.api_key });
    const names = list.body.map(({ name }: { name: string }) => name);
    assert.ok(names.includes('Before') && !names.includes('After'), names.join());
    const opened = await fetchAnswer(url, {
      method: 'GET',
      path: '/group_link',
      secret: link.secret,
      as: 'link',
    });
    assert.equal(opened.status, 200, 'the link is known by its secret');
    await serve.kill('SIGTERM');
    await demo.kill('SIGTERM');
  });
});
