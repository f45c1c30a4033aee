import { createPublicKey, hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { growLinks, openToGrow } from './grow.ts';
import { type OwnProcess, startProcess } from './processes.ts';
import type { MadeHouse } from './programs/house.ts';
import type { ServerReady } from './programs/server.ts';

const revokedShare = 100;

export interface AgentsSize {
  liveLinks: number;
  agentCount: number;
  rounds: number;
}

export interface Site extends AsyncDisposable {
  folder: string;
  house: MadeHouse;
  links: { secret: string }[];
  server: OwnProcess<ServerReady>;
}

/** One organization with many live links, some of them revoked, and many agents; its server runs. */
export async function startSite({ liveLinks, agentCount }: AgentsSize): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const environment = {
    POSTERN_DATA: join(folder, 'data'),
    POSTERN_PORT: '0',
    POSTERN_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
    POSTERN_RATE_LIMITS: 'off', // the unlocks come from one address
  };
  const linksFile = join(folder, 'links.json');
  const settings = { environment, linkCount: agentCount, agentCount, linksFile };
  const house = await readyOf(startProcess<MadeHouse>('house', settings));
  growRevoked(join(folder, 'data', 'postern.db'), liveLinks);
  const logFile = join(folder, 'log');
  const server = stack.use(await startProcess<ServerReady>('server', { environment }, { logFile }));
  const links = JSON.parse(readFileSync(linksFile, 'utf8')); // our own program wrote it
  const open = stack.move();
  return { folder, house, links, server, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** Where its agents find the server, and how they know it. */
export function siteAddress({ house, server }: Pick<Site, 'house' | 'server'>) {
  const { url, public_url } = server.ready;
  return { url, public_url, server_public_key: createPublicKey(house.host_key) };
}

async function readyOf<Ready>(starting: Promise<OwnProcess<Ready>>): Promise<Ready> {
  await using started = await starting;
  return started.ready;
}

/** One pass in a hundred is revoked, spread over all of them. */
function growRevoked(file: string, count: number): void {
  const database = openToGrow(file);
  const first = database.prepare('select id, next_pass_index from organizations limit 1').get();
  const passesFrom = Number(first?.['next_pass_index']) - 1;
  growLinks(database, { count, passesFrom });
  // Nothing that is regular: that would travel in next to no bytes.
  database.function('drawn', { deterministic: true }, (index) =>
    Number.parseInt(hash('sha256', String(index)).slice(0, 8), 16),
  );
  database.exec(`
    update passes set revoked_epoch = 1 + pass_index / ${revokedShare}
      where pass_index > ${passesFrom} and drawn(pass_index) % ${revokedShare} = 0;
    update organizations set next_pass_index = ${passesFrom + 1 + count},
      revocation_epoch = (select max(revoked_epoch) from passes);
    commit;
    pragma journal_mode = wal;`);
  database.close();
}
