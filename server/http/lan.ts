import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import { join } from 'node:path';
import { PosternError } from '../../domain/errors.ts';
import type { AnyoneRequest } from './handlers.ts';
import {
  type CertifiedKey,
  isLocal,
  makeAuthority,
  makeServerCertificate,
  maySignFor,
} from './lan-certificates.ts';
import { covers, type TlsFiles } from './tls.ts';

/** As `os.networkInterfaces()` answers. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** What `--lan` serves with: made once, kept, and made again when it fits no longer. */
export interface LanTls {
  files: TlsFiles;
  /** The authority's certificate, PEM, and where it is kept. */
  authority: string;
  authorityFile: string;
}

const dayMs = 24 * 3_600_000;
const renewalMs = 30 * dayMs;
/** Between containers, virtual machines and VPNs: no phone reaches those. */
const virtual =
  /^(br-|bridge|cni|docker|flannel|lxc|lxdbr|tailscale|tap|tun|utun|vboxnet|veth|virbr|vmnet|wg|zt)/;
const privateRange = /^(192\.168\.|10\.|172\.(1[6-9]|2\d|3[01])\.)/;

/** The address at which a phone in the same network reaches this machine; null when there is none. */
export function lanAddress(interfaces: Interfaces): string | null {
  const found = ownAddresses(interfaces).filter(({ address }) => isIPv4(address));
  const rank = ({ name, address }: { name: string; address: string }) =>
    (virtual.test(name) ? 2 : 0) + (privateRange.test(address) ? 0 : 1);
  return found.sort((one, other) => rank(one) - rank(other))[0]?.address ?? null;
}

/** Every name and address by which somebody in the network may ask for this machine. */
export function lanNames(interfaces: Interfaces, hostname: string): string[] {
  const [label = ''] = hostname.toLowerCase().split('.');
  const named = /^[a-z0-9-]{1,63}$/.test(label) ? [`${label}.local`] : [];
  const addresses = ownAddresses(interfaces).map(({ address }) => address);
  return [...new Set(['localhost', ...named, '127.0.0.1', '::1', ...addresses.sort()])];
}

/** IPv6 only where it is the house's own (RFC 4193): the others change daily, and each change would make a new certificate. */
function ownAddresses(interfaces: Interfaces): { name: string; address: string }[] {
  return Object.entries(interfaces)
    .flatMap(([name, entries = []]) => entries.map((entry) => ({ name, ...entry })))
    .filter(({ internal, address }) => !internal && /^(?!169\.254\.)[\d.]+$|^f[cd]/.test(address));
}

/** Opens the authority and the certificate in the folder, or makes what is missing, unfit or soon over. */
export async function openLanTls(
  folder: string,
  { names, at }: { names: readonly string[]; at: string },
): Promise<LanTls> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = pairFiles(folder, 'server');
  const above = pairFiles(folder, 'authority');
  const extra = names.filter((name) => !isLocal(name));
  const kept = readPair(above);
  const isFit = kept !== null && holds(() => maySignFor(kept, extra, at));
  const authority = isFit ? kept : await makeAuthority(extra, at);
  if (!isFit) writePair(above, authority);
  const server = readPair(own);
  if (server === null || !holds(() => fits(server, authority, { names, at }))) {
    writePair(own, await makeServerCertificate(authority, names, at));
  }
  return { files: own, authority: authority.cert, authorityFile: above.certificate };
}

/** For phones: what they must trust to reach the demo by https. Everybody may have it; it is no secret. */
export function showAuthority(authority: string | undefined, { reply }: AnyoneRequest): string {
  if (authority === undefined) throw new PosternError('not_found');
  reply.header('content-disposition', 'attachment; filename="postern-demo.crt"');
  reply.type('application/x-x509-ca-cert');
  return authority;
}

function pairFiles(folder: string, name: string): TlsFiles {
  return { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
}

/** Null when it is not there. */
function readPair({ certificate, key }: TlsFiles): CertifiedKey | null {
  try {
    return { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
  } catch {
    return null;
  }
}

function writePair(files: TlsFiles, { cert, key }: CertifiedKey): void {
  writeWhole(files.key, key, 0o600);
  writeWhole(files.certificate, cert, 0o644);
}

/** Never half a file, whenever the power fails. */
function writeWhole(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode });
  chmodSync(`${file}.new`, mode);
  renameSync(`${file}.new`, file);
}

function fits(
  { cert, key }: CertifiedKey,
  authority: CertifiedKey,
  { names, at }: { names: readonly string[]; at: string },
): boolean {
  const certificate = new X509Certificate(cert);
  const issuer = new X509Certificate(authority.cert);
  return (
    Date.parse(certificate.validTo) - Date.parse(at) > renewalMs &&
    Date.parse(certificate.validFrom) <= Date.parse(at) &&
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    certificate.verify(issuer.publicKey) &&
    names.every((name) => covers(certificate, name)) &&
    certificate.subjectAltName?.split(', ').length === names.length
  );
}

/** A file that cannot be read as what it should be does not hold what is asked. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
