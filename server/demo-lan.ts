import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type Config, SettingError } from './config.ts';
import { lanAddress, lanNames, openLanTls } from './http/lan.ts';

/**
 * The demo for the network around this machine: on all interfaces, over https with a certificate of its own, which is
 * kept in the data folder. Links begin with this machine's address there, or with POSTERN_PUBLIC_URL.
 */
export async function lanConfig(config: Config, at: string): Promise<Config> {
  const { publicUrl, dataFolder } = config;
  refuseContradictions(config);
  const interfaces = networkInterfaces();
  const address = publicUrl === null ? lanAddress(interfaces) : new URL(publicUrl).hostname;
  if (address === null) {
    throw new SettingError('This machine has no address in a network. Connect it, or start without --lan.');
  }
  const names = lanNames(interfaces, hostname());
  const all = names.includes(address) ? names : [...names, address];
  const { files, authority, authorityFile } = await openLanTls(join(dataFolder, 'lan'), { names: all, at });
  const hasIpv6 = Object.values(interfaces)
    .flat()
    .some((entry) => entry?.family === 'IPv6');
  return {
    ...config,
    host: hasIpv6 ? '::' : '0.0.0.0',
    tls: files,
    lan: { address, authority, authorityFile },
    warnings: [],
  };
}

function refuseContradictions({ tls, publicUrl, rateLimits }: Config): void {
  if (tls) {
    throw new SettingError(
      '--lan makes a certificate of its own. Remove POSTERN_TLS_CERT and POSTERN_TLS_KEY, or start without --lan.',
    );
  }
  if (publicUrl?.startsWith('http:')) {
    throw new SettingError(`POSTERN_PUBLIC_URL is ${publicUrl}, but --lan speaks https. Make it https://….`);
  }
  if (!rateLimits) {
    throw new SettingError(
      'POSTERN_RATE_LIMITS=off is only for load tests on one machine. Remove it, or start without --lan.',
    );
  }
}
