import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { newSecretKeyText, readConfig, SettingError, settingTable } from './config.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'postern-config-')));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The sentence with which the settings are refused. */
function refusal(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    assert.ok(error instanceof SettingError, `a sentence, not ${String(error)}`);
    return error.message;
  }
  throw new assert.AssertionError({ message: `accepted: ${JSON.stringify(environment)}` });
}

function keyFile(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe('the settings', () => {
  it('work without any, on this machine only', () => {
    const config = readConfig({});
    assert.deepEqual(
      { ...config, dataFolder: '' },
      {
        ...{ host: '127.0.0.1', port: 8080, publicUrl: null, dataFolder: '', secretKey: null },
        ...{ rateLimits: true, logLevel: null },
      },
    );
    assert.equal(config.dataFolder, join(process.cwd(), 'data'));
  });

  it('take every value that is allowed', () => {
    for (const host of ['0.0.0.0', '::', '::1', '192.0.2.7', 'localhost'])
      assert.equal(readConfig({ POSTERN_HOST: host }).host, host);
    for (const port of [0, 1, 65_535]) assert.equal(readConfig({ POSTERN_PORT: String(port) }).port, port);
    for (const level of ['debug', 'info', 'warn', 'error', 'silent']) {
      assert.equal(readConfig({ POSTERN_LOG_LEVEL: level }).logLevel, level);
    }
    assert.equal(
      readConfig({ POSTERN_PUBLIC_URL: 'https://doors.example.org/' }).publicUrl,
      'https://doors.example.org',
    );
    assert.equal(
      readConfig({ POSTERN_PUBLIC_URL: 'http://doors.example.org:8443' }).publicUrl,
      'http://doors.example.org:8443',
    );
  });

  const wrong: readonly [keyof typeof settingTable, readonly string[]][] = [
    ['POSTERN_HOST', ['', 'example.org', '127.0.0.1:8080', '127.0.0.256', 'http://127.0.0.1', ' 127.0.0.1']],
    ['POSTERN_PORT', ['', '-1', '65536', '80.5', '0x50', '8080 ', 'http', '1e3', '99999999999']],
    [
      'POSTERN_PUBLIC_URL',
      [
        '',
        'doors.example.org',
        'ftp://doors.example.org',
        'https://doors.example.org/x',
        'https://',
        'https://a@b.org',
      ],
    ],
    [
      'POSTERN_PUBLIC_URL',
      ['https://doors.example.org?x=1', 'https://doors.example.org#x', 'https://doors.example.org//'],
    ],
    ['POSTERN_DATA', ['']],
    [
      'POSTERN_SECRET_KEY',
      ['', 'secret', 'a'.repeat(43), 'A'.repeat(45), 'f'.repeat(63), 'f'.repeat(66), 'g'.repeat(64)],
    ],
    ['POSTERN_SECRET_KEY_FILE', [join(folder, 'missing.key')]],
    ['POSTERN_RATE_LIMITS', ['', 'yes', 'ON', '0', 'false']],
    ['POSTERN_LOG_LEVEL', ['', 'trace', 'INFO', 'verbose']],
  ];
  for (const [name, values] of wrong) {
    it(`name ${name} in a sentence when it is wrong`, () => {
      for (const value of values) {
        const sentence = refusal({ [name]: value });
        assert.ok(sentence.includes(name), sentence);
        assert.match(sentence, /^[A-Z].*\.$/s, `a sentence: ${sentence}`);
      }
    });
  }

  it('refuse a public address that is not written as links will need it', () => {
    const sloppy = [
      ' https://doors.example.org',
      'https://doors.example.org ',
      'https:doors.example.org',
      'https://doors.example.org?',
    ];
    for (const text of [
      ...sloppy,
      'https://doors.example.org#',
      'https://doors.exa\tmple.org',
      'https://:pw@doors.example.org',
    ]) {
      const answer = tryConfig({ POSTERN_PUBLIC_URL: text });
      // Refused, or put right: never taken as it is, for every link would begin with it.
      assert.ok(
        answer === null || answer === 'https://doors.example.org',
        `${JSON.stringify(text)} became ${JSON.stringify(answer)}`,
      );
    }
  });

  it('never repeat a secret key in the sentence that refuses it', () => {
    const almost = `${newSecretKeyText()}A`;
    assert.ok(!refusal({ POSTERN_SECRET_KEY: almost }).includes(almost.slice(0, 12)));
  });

  it('refuse a name that is no setting, and say which are', () => {
    const sentence = refusal({ POSTERN_PROT: '8080' });
    assert.match(sentence, /POSTERN_PROT is not a setting/);
    for (const name of Object.keys(settingTable)) assert.ok(sentence.includes(name), name);
    refusal({ POSTERN_: '' });
    refusal({ POSTERN_constructor: '' });
    assert.equal(readConfig({ PATH: '/bin', XPOSTERN_Y: '1' }).port, 8080);
  });

  it('allow no rate limits on a loopback address only', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) {
      assert.equal(readConfig({ POSTERN_HOST: host, POSTERN_RATE_LIMITS: 'off' }).rateLimits, false);
    }
    for (const host of ['0.0.0.0', '::', '192.0.2.7', '10.0.0.1']) {
      assert.match(
        refusal({ POSTERN_HOST: host, POSTERN_RATE_LIMITS: 'off' }),
        /POSTERN_RATE_LIMITS.*POSTERN_HOST/,
      );
    }
  });
});

describe('the secret key', () => {
  const bytes = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7));

  it('is 32 bytes as Base64, with or without padding, or as hexadecimal', () => {
    const texts = [
      bytes.toString('base64'),
      bytes.toString('base64').replace('=', ''),
      bytes.toString('hex'),
      ` ${bytes.toString('base64')}\n`,
    ];
    for (const text of [...texts, bytes.toString('hex').toUpperCase()]) {
      assert.deepEqual(readConfig({ POSTERN_SECRET_KEY: text }).secretKey, bytes, text);
    }
  });

  it('comes from a file, its newline and all', () => {
    const file = keyFile('good.key', `${bytes.toString('base64')}\n`);
    assert.deepEqual(readConfig({ POSTERN_SECRET_KEY_FILE: file }).secretKey, bytes);
  });

  it('is new every time it is made', () => {
    assert.notEqual(newSecretKeyText(), newSecretKeyText());
    assert.equal(readConfig({ POSTERN_SECRET_KEY: newSecretKeyText() }).secretKey?.length, 32);
  });

  it('is refused when it is given twice, or the file holds something else', () => {
    const file = keyFile('bad.key', 'not a key');
    assert.match(
      refusal({ POSTERN_SECRET_KEY_FILE: file }),
      /POSTERN_SECRET_KEY_FILE.*bad\.key.*32 random bytes/,
    );
    const good = keyFile('twice.key', newSecretKeyText());
    const sentence = refusal({ POSTERN_SECRET_KEY: newSecretKeyText(), POSTERN_SECRET_KEY_FILE: good });
    assert.match(sentence, /POSTERN_SECRET_KEY and POSTERN_SECRET_KEY_FILE/);
    assert.match(refusal({ POSTERN_SECRET_KEY_FILE: folder }), /POSTERN_SECRET_KEY_FILE/);
  });

  it('is refused when its file lies inside the data folder, by whatever way', () => {
    const data = join(folder, 'data');
    mkdirSync(join(data, 'deep'), { recursive: true });
    const inside = keyFile('data/deep/secret.key', newSecretKeyText());
    const doorway = join(folder, 'doorway');
    symlinkSync(data, doorway);
    symlinkSync(inside, join(folder, 'outside.key'));
    const ways: [string, string][] = [
      [data, inside],
      [data, join(folder, 'outside.key')],
      [data, join(doorway, 'deep/secret.key')],
      [doorway, inside],
      [data, join(data, '..', 'data', 'deep', 'secret.key')],
    ];
    for (const [POSTERN_DATA, POSTERN_SECRET_KEY_FILE] of ways) {
      assert.match(refusal({ POSTERN_DATA, POSTERN_SECRET_KEY_FILE }), /inside the data folder/);
    }
  });

  it('may lie beside the data folder, and in one whose name begins alike', () => {
    mkdirSync(join(folder, 'data-keys'), { recursive: true });
    const file = keyFile('data-keys/secret.key', newSecretKeyText());
    assert.ok(readConfig({ POSTERN_DATA: join(folder, 'data'), POSTERN_SECRET_KEY_FILE: file }).secretKey);
  });
});

function tryConfig(environment: Record<string, string>): string | null {
  try {
    return readConfig(environment).publicUrl;
  } catch (error) {
    assert.ok(error instanceof SettingError);
    return null;
  }
}
