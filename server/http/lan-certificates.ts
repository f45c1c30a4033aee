import { createPrivateKey, KeyObject, X509Certificate } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import type { Extension } from '@peculiar/x509';
import { withinRanges } from './proxies.ts';

/** A certificate and its private key, both PEM. */
export interface CertifiedKey {
  cert: string;
  key: string;
}

const dayMs = 24 * 3_600_000;
/** Phones are told once to trust the authority: it should last as long as the demo does. */
const authorityDays = 3652;
/** Browsers refuse certificates for longer (CA/Browser Forum, Baseline Requirements §6.3.2: 398 days). */
const serverDays = 397;
/** Phones whose clock is a little behind ours. */
const backdatingMs = 3_600_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const nameConstraintsOid = '2.5.29.30';

/** What stays within a house: names of this machine and its network, and private addresses (RFC 6761, 6762, 1918, 4193 …). */
const localNames = ['localhost', 'local'];
const localRanges = [
  ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10'],
  ...['::1/128', 'fc00::/7', 'fe80::/10'],
];

const isLocalAddress = withinRanges(localRanges);

/**
 * An authority that may speak for local names and addresses and for `extra` ones, and for nothing else (RFC 5280
 * §4.2.1.10): a phone that trusts it is in no danger elsewhere, whoever gets hold of its key.
 */
export async function makeAuthority(extra: readonly string[], at: string): Promise<CertifiedKey> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=Postern demo authority ${at.slice(0, 10)}`,
    keys,
    ...validity(at, authorityDays),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.Extension(nameConstraintsOid, true, nameConstraints(extra)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: made.toString('pem'), key: pemOf(keys.privateKey) };
}

/** A server certificate for these names and addresses, signed by the authority. */
export async function makeServerCertificate(
  authority: CertifiedKey,
  names: readonly string[],
  at: string,
): Promise<CertifiedKey> {
  const x509 = await loadX509();
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const issuer = new x509.X509Certificate(authority.cert);
  const alternatives = names.map((value) => ({ type: isIP(value) > 0 ? 'ip' : 'dns', value }) as const);
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(alternatives),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
  ];
  const made = await x509.X509CertificateGenerator.create({
    subject: 'CN=Postern demo',
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: createPrivateKey(authority.key).toCryptoKey(algorithm, false, ['sign']),
    ...validity(at, serverDays),
    signingAlgorithm: algorithm,
    extensions,
  });
  return { cert: made.toString('pem'), key: pemOf(keys.privateKey) };
}

/** Whether every authority speaks for it, without being asked to. */
export function isLocal(name: string): boolean {
  return isLocalAddress(name) || localNames.some((local) => name === local || name.endsWith(`.${local}`));
}

/** Whether the authority can sign for all of these for as long as a server certificate lasts. */
export function maySignFor({ cert, key }: CertifiedKey, extra: readonly string[], at: string): boolean {
  const certificate = new X509Certificate(cert);
  const lasts = Date.parse(certificate.validTo) - Date.parse(at) > serverDays * dayMs;
  return (
    lasts &&
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    extra.every((name) => certificate.raw.includes(subtree(name)))
  );
}

function validity(at: string, days: number): { notBefore: Date; notAfter: Date } {
  const start = Date.parse(at) - backdatingMs;
  return { notBefore: new Date(start), notAfter: new Date(start + days * dayMs) };
}

function pemOf(key: CryptoKey): string {
  return String(KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }));
}

/** Only where a certificate is made: loading it takes a fifth of a second. */
async function loadX509() {
  // A part of the library asks Reflect for the metadata of decorators at load time. There is none, and none is needed.
  if (!('getMetadata' in Reflect)) {
    Object.assign(Reflect, { getMetadata: () => undefined, getOwnMetadata: () => undefined });
  }
  return import('@peculiar/x509');
}

/** The extension's value in DER (RFC 5280 §4.2.1.10): what is permitted. The library has no class for it. */
function nameConstraints(extra: readonly string[]): Buffer {
  const subtrees = [...localNames, ...localRanges, ...extra].map(subtree);
  return der(0x30, der(0xa0, ...subtrees));
}

/** A DNS name with all below it, or the addresses of a range; one address is a range of its own. */
function subtree(text: string): Buffer {
  const [address = '', prefix] = text.split('/');
  if (isIP(address) === 0) return der(0x30, der(0x82, Buffer.from(text)));
  const bytes = addressBytes(address);
  const bits = prefix === undefined ? bytes.length * 8 : Number(prefix);
  const mask = bytes.map((_, at) => 0xff & ~(0xff >> Math.min(8, Math.max(0, bits - 8 * at))));
  return der(0x30, der(0x87, Buffer.concat([bytes, mask])));
}

/** As the header of a packet has it: 4 bytes, or 16 (RFC 4291 §2.2). */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const [first, last] = [head, tail].map((half) => half.split(':').filter(Boolean)) as [string[], string[]];
  const groups = [...first, ...Array<string>(8 - first.length - last.length).fill('0'), ...last];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** Tag, length and content (X.690 §8.1), for contents below 64 KiB. */
function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
