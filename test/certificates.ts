import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CertifiedKey, makeAuthority, makeServerCertificate } from '../server/http/lan-certificates.ts';

/** An authority that a test trusts, and certificates of it in files, as an operator has them. */
export interface TestAuthority {
  /** PEM. */
  cert: string;
  make(names: readonly string[], at?: string): Promise<CertifiedKey>;
  /** Writes `<name>.crt` and `<name>.key` into the folder; answers the settings that name them. */
  write(folder: string, pair: CertifiedKey, name?: string): TlsSettings;
}

export interface TlsSettings extends Record<string, string> {
  POSTERN_TLS_CERT: string;
  POSTERN_TLS_KEY: string;
}

/** `extra`: names beside this machine's own that it may sign for. */
export async function testAuthority(extra: readonly string[] = ['example.org']): Promise<TestAuthority> {
  const now = new Date().toISOString();
  const authority = await makeAuthority(extra, now);
  return {
    cert: authority.cert,
    make: (names, at = now) => makeServerCertificate(authority, names, at),
    write(folder, { cert, key }, name = 'server') {
      const [POSTERN_TLS_CERT, POSTERN_TLS_KEY] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
      writeFileSync(POSTERN_TLS_CERT, cert);
      writeFileSync(POSTERN_TLS_KEY, key, { mode: 0o600 });
      return { POSTERN_TLS_CERT, POSTERN_TLS_KEY };
    },
  };
}
