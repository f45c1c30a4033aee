import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
    assert.partialDeepStrictEqual(config, {
      ...{ host: '127.0.0.1', port: 8080, publicUrl: null, secretKey: null, rateLimits: true },
      ...{ tls: null, lan: null, trustedProxies: [], logLevel: null, logFormat: null, warnings: [] },
    });
    assert.equal(config.dataFolder, join(process.cwd(), 'data'));
  });

  it('take every value that is allowed', () => {
    for (const host of ['0.0.0.0', '::', '::1', '192.0.2.7', 'localhost'])
      assert.equal(readConfig({ POSTERN_HOST: host, POSTERN_TRUST_PROXY: '192.0.2.1' }).host, host);
    for (const format of ['json', 'text'])
      assert.equal(readConfig({ POSTERN_LOG_FORMAT: format }).logFormat, format);
    const proxies = ['127.0.0.1', '::1', '10.1.0.0/24', 'fd00::/8', '192.0.2.1/32'];
    assert.deepEqual(readConfig({ POSTERN_TRUST_PROXY: proxies.join(' , ') }).trustedProxies, proxies);
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
    ['POSTERN_LOG_FORMAT', ['', 'pretty', 'JSON', 'logfmt']],
    ['POSTERN_PLAIN_HTTP', ['', 'yes', 'on', 'ALLOW']],
    ['POSTERN_TLS_CERT', ['']],
    ['POSTERN_TLS_KEY', ['']],
    [
      'POSTERN_TRUST_PROXY',
      [
        '',
        ',',
        '127.0.0.1,',
        'proxy',
        'true',
        '1',
        'loopback',
        '10.0.0.0/33',
        '::/129',
        '10.0.0.0/',
        '10.0.0/8',
      ],
    ],
    [
      'POSTERN_TRUST_PROXY',
      ['10.0.0.0/8/8', '10.0.0.0/-1', 'fe80::1%eth0', '0.0.0.0/0', '::/0', '127.0.0.1 ::1'],
    ],
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

  const tls = { POSTERN_TLS_CERT: 'a.crt', POSTERN_TLS_KEY: 'a.key' };

  it('listen beyond this machine with https, behind a named proxy, or where that was allowed', () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.7', '10.0.0.1', 'fd00::7']) {
      const sentence = refusal({ POSTERN_HOST: host });
      for (const way of ['POSTERN_TLS_CERT', 'POSTERN_TRUST_PROXY', 'POSTERN_PLAIN_HTTP=allow'])
        assert.ok(sentence.includes(way), sentence);
      // A public address in https is no proof that anybody encrypts on the way.
      refusal({ POSTERN_HOST: host, POSTERN_PUBLIC_URL: 'https://doors.example.org' });
      assert.equal(readConfig({ POSTERN_HOST: host, POSTERN_TRUST_PROXY: '10.0.0.9' }).host, host);
      const config = readConfig({
        POSTERN_HOST: host,
        POSTERN_PUBLIC_URL: 'https://doors.example.org',
        ...tls,
      });
      assert.deepEqual(config.warnings, []);
      const [warning, ...more] = readConfig({ POSTERN_HOST: host, POSTERN_PLAIN_HTTP: 'allow' }).warnings;
      assert.match(warning ?? '', /^POSTERN_PLAIN_HTTP=allow: .*\.$/);
      assert.deepEqual(more, []);
    }
  });

  it('take a certificate and its key together, for a public address in https', () => {
    const { tls: files } = readConfig(tls);
    assert.deepEqual(files, { certificate: join(process.cwd(), 'a.crt'), key: join(process.cwd(), 'a.key') });
    for (const [given, missing] of [
      ['POSTERN_TLS_CERT', 'POSTERN_TLS_KEY'],
      ['POSTERN_TLS_KEY', 'POSTERN_TLS_CERT'],
    ] as const) {
      assert.match(refusal({ [given]: 'a.pem' }), new RegExp(`${given} is set, but ${missing} is not`));
    }
    assert.match(
      refusal({ ...tls, POSTERN_PUBLIC_URL: 'http://doors.example.org' }),
      /POSTERN_PUBLIC_URL is http:.*https only/,
    );
  });

  it('warn of what works, but hardly as it is meant', () => {
    const warnings = (environment: Record<string, string>) => readConfig(environment).warnings;
    const named = 'https://doors.example.org';
    assert.match(
      warnings({ POSTERN_PUBLIC_URL: 'http://doors.example.org' }).join(),
      /^POSTERN_PUBLIC_URL is http:[^,]*https only/,
    );
    assert.match(
      warnings({ POSTERN_PUBLIC_URL: named }).join(),
      /^POSTERN_TRUST_PROXY does not name the proxy/,
    );
    assert.match(warnings({ POSTERN_HOST: '::', ...tls }).join(), /^POSTERN_PUBLIC_URL is not set/);
    const fine: Record<string, string>[] = [
      {},
      tls,
      { POSTERN_PUBLIC_URL: 'http://127.0.0.1:8080' },
      { POSTERN_PUBLIC_URL: 'http://[::1]:8080' },
      { POSTERN_PUBLIC_URL: named, POSTERN_TRUST_PROXY: '127.0.0.1' },
      { POSTERN_PUBLIC_URL: named, ...tls },
    ];
    for (const settings of fine) assert.deepEqual(warnings(settings), [], JSON.stringify(settings));
    assert.equal(
      warnings({ POSTERN_PUBLIC_URL: 'http://127.example.org' }).length,
      1,
      'a name, not an address',
    );
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

  it('is taken from a file that others may read, with a warning', () => {
    const file = keyFile('open.key', newSecretKeyText());
    for (const [mode, count] of [
      [0o600, 0],
      [0o400, 0],
      [0o640, 1],
      [0o604, 1],
      [0o444, 1],
    ] as const) {
      chmodSync(file, mode);
      const { warnings, secretKey } = readConfig({ POSTERN_SECRET_KEY_FILE: file });
      assert.equal(secretKey?.length, 32);
      assert.equal(warnings.length, count, mode.toString(8));
      if (count > 0)
        assert.match(warnings.join(), /^POSTERN_SECRET_KEY_FILE: others .*open\.key\. .*chmod 600/);
    }
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
