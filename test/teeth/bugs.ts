import { accessBugs } from './access.ts';
import { agentBugs } from './agents.ts';
import type { Bug } from './bug.ts';
import { credentialBugs } from './credentials.ts';
import { decisionBugs } from './decisions.ts';
import { driverBugs } from './drivers.ts';
import { enduranceBugs } from './endurance.ts';
import { storageBugs } from './storage.ts';
import { tabletBugs } from './tablets.ts';
import { unlockBugs } from './unlocks.ts';

/** Every bug that `npm run teeth` plants. */
export const bugs: readonly Bug[] = [
  ...decisionBugs,
  ...credentialBugs,
  ...unlockBugs,
  ...agentBugs,
  ...driverBugs,
  ...enduranceBugs,
  ...storageBugs,
  ...accessBugs,
  ...tabletBugs,
];
