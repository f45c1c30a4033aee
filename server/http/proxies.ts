import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Whether an address is one of those meant, such as the trusted proxies'. */
export type IsAmong = (address: string | undefined) => boolean;

/** One of these addresses and CIDR ranges. An IPv4 address counts in its IPv6 spelling, too (`::ffff:…`, RFC 4291 §2.5.5.2). */
export function withinRanges(ranges: readonly string[]): IsAmong {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = familyOf(address);
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  // What a header says may be no address at all, and then it is none of these.
  return (address = '') => list.check(address, familyOf(address));
}

/** The name of a request, for the log and the caller: the proxy's, where a trusted one gave it a plain one. */
export function requestIdOf(request: IncomingMessage, isProxy: IsAmong, fresh: () => string): string {
  const given = request.headers['x-request-id'];
  if (typeof given !== 'string' || !/^[\w.-]{1,64}$/.test(given)) return fresh();
  return isProxy(request.socket.remoteAddress) ? given : fresh();
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
