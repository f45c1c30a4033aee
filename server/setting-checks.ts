import type { Config } from './config.ts';
import type { TlsFiles } from './http/tls.ts';
import { isLoopback, SettingError } from './setting-values.ts';

/** How requests come in. */
type Line = Pick<Config, 'host' | 'publicUrl' | 'tls' | 'trustedProxies' | 'rateLimits'>;

/** Throws for settings of which each is right and all together are not. */
export function refuseContradictions(line: Line, plainHttp: boolean): void {
  const { host, publicUrl: url, tls, trustedProxies, rateLimits } = line;
  if (!rateLimits && !isLoopback(host)) {
    throw new SettingError(
      `POSTERN_RATE_LIMITS=off is only for load tests on one machine, but POSTERN_HOST is ${host}. Remove one of the two.`,
    );
  }
  if (tls && url?.startsWith('http:')) {
    throw new SettingError(
      `POSTERN_PUBLIC_URL is ${url}, but with POSTERN_TLS_CERT this server speaks https only. Make it https://….`,
    );
  }
  if (!isLoopback(host) && !tls && trustedProxies.length === 0 && !plainHttp) {
    throw new SettingError(
      `POSTERN_HOST is ${host}, so other machines would send their secrets here in clear. Set POSTERN_TLS_CERT and ` +
        'POSTERN_TLS_KEY, or POSTERN_TRUST_PROXY to the address of the proxy in front that speaks https. ' +
        'Where something else protects the line: POSTERN_PLAIN_HTTP=allow.',
    );
  }
}

export function chooseTls(certificate: string | null, key: string | null): TlsFiles | null {
  if (certificate !== null && key !== null) return { certificate, key };
  if (certificate === null && key === null) return null;
  const [given, missing] = key === null ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
  throw new SettingError(
    `POSTERN_TLS_${given} is set, but POSTERN_TLS_${missing} is not. Set both, or remove it.`,
  );
}

/** What works, but hardly as it is meant. */
export function lineWarnings({ host, publicUrl: url, tls, trustedProxies }: Line): string[] {
  const warnings: string[] = [];
  if (!isLoopback(host) && !tls && trustedProxies.length === 0) {
    warnings.push(`POSTERN_PLAIN_HTTP=allow: whoever reads along on the way to ${host} learns every secret.`);
  }
  if (url?.startsWith('http:') && !isLoopback(new URL(url).hostname)) {
    warnings.push(
      `POSTERN_PUBLIC_URL is ${url}: from another machine the visitor's page works over https only.`,
    );
  }
  if (url?.startsWith('https:') && !tls && trustedProxies.length === 0) {
    warnings.push(
      'POSTERN_TRUST_PROXY does not name the proxy in front: all visitors count as one address, and share its limits.',
    );
  }
  if (tls && url === null && (host === '0.0.0.0' || host === '::')) {
    warnings.push('POSTERN_PUBLIC_URL is not set: links begin with localhost, which is this machine only.');
  }
  return warnings;
}
