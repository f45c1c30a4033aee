import { writeFileSync } from 'node:fs';
import { readConfig } from '../../server/config.ts';
import { openInstallation } from '../../server/main.ts';
import { type House, makeHouse, passesOf } from '../house.ts';
import { asProgram } from '../processes.ts';
import { type RecordedStatement, recordUnlock } from '../recorded-unlock.ts';

/** Of so many links the QR code is told too. */
const passCount = 1_000;

export interface HouseSettings {
  environment: Record<string, string>;
  linkCount: number;
  /** Beside the one of every house. */
  agentCount?: number;
  /** The links' secrets are written here, as JSON. */
  linksFile: string;
}

export type MadeHouse = Omit<House, 'links'> & {
  host_key: string;
  passes: string[];
  /** On PostgreSQL: those of one unlock. */
  unlockStatements: RecordedStatement[];
};

/** Makes a house in a process of its own, so that the server that is measured has never done such a thing. */
await asProgram(async ({ environment, linkCount, agentCount, linksFile }: HouseSettings) => {
  const installation = await openInstallation(readConfig(environment));
  const made = await makeHouse(installation.context, linkCount, agentCount);
  const { links, ...house } = made;
  writeFileSync(linksFile, JSON.stringify(links));
  const passes = await passesOf(installation.context, house.organization_id, links.slice(0, passCount));
  const unlockStatements = environment['POSTERN_DATABASE_URL']
    ? await recordUnlock(installation.context, made)
    : [];
  const host_key = String(installation.hostKey.publicKey.export({ format: 'pem', type: 'spki' }));
  return { ready: { ...house, host_key, passes, unlockStatements }, close: () => installation.close() };
});
