import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { connect, createServer } from 'node:tls';
import { type Interfaces, lanAddress, lanNames, openLanTls } from './lan.ts';
import { makeAuthority, makeServerCertificate } from './lan-certificates.ts';

const dayMs = 24 * 3_600_000;
const now = new Date().toISOString();
const later = (days: number) => new Date(Date.parse(now) + days * dayMs).toISOString();

/** A machine's interfaces, of which only the names, the addresses and what is internal matter here. */
function interfaces(addresses: Record<string, string[]>): Interfaces {
  const entry = (name: string) => (address: string) => {
    const family = address.includes(':') ? 'IPv6' : 'IPv4';
    return { address, family, internal: name === 'lo' } as NetworkInterfaceInfo; // all that is looked at
  };
  return Object.fromEntries(Object.entries(addresses).map(([name, given]) => [name, given.map(entry(name))]));
}

const laptop = interfaces({
  lo: ['127.0.0.1', '::1'],
  docker0: ['172.17.0.1'],
  'br-5f2c': ['172.18.0.1'],
  wlan0: ['192.168.1.20', 'fe80::1', 'fd12::20', '2001:db8::20'],
});

describe('the address for phones', () => {
  it('is one in the network, not a container bridge, a VPN or this machine alone', () => {
    assert.equal(lanAddress(laptop), '192.168.1.20');
    assert.equal(lanAddress(interfaces({ tun0: ['10.8.0.2'], eth0: ['198.51.100.7'] })), '198.51.100.7');
    assert.equal(lanAddress(interfaces({ eth0: ['198.51.100.7'], eth1: ['10.0.0.7'] })), '10.0.0.7');
    assert.equal(lanAddress(interfaces({ docker0: ['172.17.0.1'] })), '172.17.0.1');
    assert.equal(lanAddress(interfaces({ lo: ['127.0.0.1'], eth0: ['169.254.3.4', 'fe80::1'] })), null);
    assert.equal(lanAddress({}), null);
  });

  it('goes with every name by which this machine may be asked for, and none that changes daily', () => {
    const addresses = ['172.17.0.1', '172.18.0.1', '192.168.1.20', 'fd12::20'];
    const own = ['localhost', 'my-laptop.local', '127.0.0.1', '::1'];
    assert.deepEqual(lanNames(laptop, 'My-Laptop.fritz.box'), [...own, ...addresses]);
    assert.deepEqual(lanNames({}, 'gäste pc'), ['localhost', '127.0.0.1', '::1']);
  });
});

describe('what --lan keeps in its folder', () => {
  const folders: string[] = [];
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  const fresh = () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-lan-'));
    folders.push(folder);
    const open = async (names: string[], at = now) => {
      const { files, authority } = await openLanTls(folder, { names, at });
      return { authority, server: new X509Certificate(readFileSync(files.certificate)), files };
    };
    return { folder, open };
  };
  const names = ['localhost', '127.0.0.1', '::1', '192.168.1.20'];

  it('is made once and kept, keys for their owner only', async () => {
    const { folder, open } = fresh();
    const first = await open(names);
    const second = await open(names);
    assert.equal(second.authority, first.authority);
    assert.equal(second.server.serialNumber, first.server.serialNumber);
    for (const name of ['authority.key', 'server.key'])
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
    const alternatives =
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:192.168.1.20';
    assert.equal(first.server.subjectAltName, alternatives);
  });

  it('lasts ten years for the authority, and no longer than browsers take for the certificate', async () => {
    const { authority, server } = await fresh().open(names);
    const days = ({ validFrom, validTo }: X509Certificate) =>
      (Date.parse(validTo) - Date.parse(validFrom)) / dayMs;
    assert.equal(days(new X509Certificate(authority)), 3652);
    assert.equal(days(server), 397);
    assert.equal(server.ca, false);
    assert.deepEqual(server.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'a server, and nothing else');
  });

  it('gets another certificate, of the same authority, when the addresses change or it ends within a month', async () => {
    const { open } = fresh();
    const first = await open(names);
    const moved = await open(['localhost', '127.0.0.1', '::1', '10.0.0.20']);
    assert.notEqual(moved.server.serialNumber, first.server.serialNumber);
    assert.equal(moved.server.checkIP('192.168.1.20'), undefined);
    const same = await open(['localhost', '127.0.0.1', '::1', '10.0.0.20'], later(360));
    assert.equal(same.server.serialNumber, moved.server.serialNumber);
    const renewed = await open(['localhost', '127.0.0.1', '::1', '10.0.0.20'], later(370));
    assert.notEqual(renewed.server.serialNumber, moved.server.serialNumber);
    for (const { authority } of [moved, same, renewed]) assert.equal(authority, first.authority);
  });

  it('gets another authority when it ends, when its files are damaged, and for names beyond the house', async () => {
    const { folder, open } = fresh();
    const authorities = [(await open(names)).authority];
    const again = async (...given: Parameters<typeof open>) =>
      authorities.push((await open(...given)).authority);
    await again(names, later(3_300));
    writeFileSync(join(folder, 'authority.crt'), 'half a certif');
    await again(names);
    writeFileSync(join(folder, 'authority.key'), (await makeAuthority([], now)).key);
    await again(names);
    await again([...names, '198.51.100.7']);
    assert.equal(new Set(authorities).size, 5);
    await again([...names, '198.51.100.7']);
    await again(names); // it may do more than is asked, and phones need not be told again
    assert.equal(new Set(authorities).size, 5);
  });
});

describe('the authority of --lan', () => {
  it('vouches for local names and addresses and those it was made for, and for nobody else', async () => {
    const authority = await makeAuthority(['gate.example.org', '198.51.100.7'], now);
    const local = [
      'localhost',
      'my-laptop.local',
      '192.168.1.20',
      '10.9.8.7',
      '172.31.0.1',
      'fd12::20',
      '::1',
    ];
    const named = ['gate.example.org', 'a.gate.example.org', '198.51.100.7'];
    for (const name of [...local, ...named]) assert.equal(await accepted(name), true, name);
    const foreign = [
      'example.org',
      'example.com',
      'local.example.com',
      '198.51.100.8',
      '172.32.0.1',
      '2001:db8::1',
    ];
    for (const name of foreign) assert.equal(await accepted(name), false, name);

    /** Whether a client that trusts the authority believes a server that has its certificate for this name. */
    async function accepted(name: string): Promise<boolean> {
      const server = createServer(await makeServerCertificate(authority, [name], now)).listen(0, '127.0.0.1');
      server.on('tlsClientError', () => {});
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo; // it listens on TCP
      const identity = { checkServerIdentity: () => undefined }; // it is about the chain here
      const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, ...identity });
      const answer = await once(socket, 'secureConnect').then(
        () => true,
        (error) => {
          assert.match(error.message, /permitted subtree violation/);
          return false;
        },
      );
      socket.destroy();
      server.close();
      return answer;
    }
  });
});
