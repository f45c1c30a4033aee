import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { agentFolderSetting } from '../agent/command.ts';
import { parseAgentConfig } from '../agent/config.ts';
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

/** As it would be installed, but with what every Debian has instead of the program and its user: neither is on this machine. */
function judgeUnit(name: string, { program, folder }: { program: string; folder: string }): void {
  const file = join(folder, name);
  const here = read(name)
    .replace(program, process.execPath)
    .replaceAll(/^(User|Group)=postern(-agent)?$/gm, '$1=daemon');
  writeFileSync(file, here);
  assert.equal(run('systemd-analyze', ['verify', '--man=no', file], 'systemd'), '');
  const judged = ['security', '--offline=true', '--no-pager', `--threshold=${exposureMax}`, file];
  assert.match(run('systemd-analyze', judged, 'systemd'), /Overall exposure level/);
}

describe('the unit file for systemd', () => {
  const folder = freshFolder();
  after(() => folder[Symbol.dispose]());

  it('is understood by systemd, and leaves the service little to reach', () => {
    const program = '/opt/postern/node_modules/node/bin/node /opt/postern/postern.ts';
    assert.ok(read('postern.service').includes(`ExecStart=${program} serve\n`));
    judgeUnit('postern.service', { program, folder: folder.path });
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

describe('the unit file of the agent', () => {
  const folder = freshFolder();
  after(() => folder[Symbol.dispose]());
  const page = '../start/raspberry-pi.md';
  const program = '/opt/node/bin/node /opt/postern/postern.ts';
  const unit = read('postern-agent.service');

  it('is understood by systemd, and leaves the agent little to reach', () => {
    assert.ok(unit.includes(`ExecStart=${program} agent\n`));
    judgeUnit('postern-agent.service', { program, folder: folder.path });
  });

  it('starts it again whatever happened, without waiting for a network, and lets it use serial lines', () => {
    for (const line of ['Restart=always', 'StartLimitIntervalSec=0', 'SupplementaryGroups=dialout'])
      assert.ok(unit.includes(`\n${line}\n`), line);
    assert.doesNotMatch(unit, /^(After|Wants|Requires)=.*network/m);
    assert.doesNotMatch(unit, /^PrivateDevices=/m);
  });

  it('has the commands of its page run as the agent runs', () => {
    const [inFunction = ''] = blocksOf(page, 'sh').filter((block) => block.includes('systemd-run'));
    for (const [setting, given] of [
      ['User=postern-agent', '--uid=postern-agent'],
      ['SupplementaryGroups=dialout', '--property=SupplementaryGroups=dialout'],
      ['UMask=0077', '--property=UMask=0077'],
      ['StateDirectory=postern-agent', '--property=StateDirectory=postern-agent'],
      ['StateDirectoryMode=0700', '--property=StateDirectoryMode=0700'],
      [
        'Environment=POSTERN_AGENT_DATA=/var/lib/postern-agent',
        '--setenv=POSTERN_AGENT_DATA=/var/lib/postern-agent',
      ],
    ] as const) {
      assert.ok(unit.includes(`\n${setting}\n`), setting);
      assert.ok(inFunction.includes(given), given);
    }
    assert.ok(inFunction.includes(`${program} agent "$@"`));
  });

  it('has examples of agent.json on its page that the agent takes', () => {
    const examples = blocksOf(page, 'json');
    assert.ok(examples.length >= 2);
    for (const example of examples) assert.ok(parseAgentConfig(example, 'agent.json').length > 0);
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
