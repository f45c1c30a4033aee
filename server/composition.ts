import { AgentNews } from './agents/news.ts';
import { AgentSessions } from './agents/sessions.ts';
import type { Bus } from './bus/bus.ts';
import type { Clock, Context, Random } from './context.ts';
import { afterCommit } from './database/after-commit.ts';
import type { Database } from './database/database.ts';
import { EventFeed } from './events/feed.ts';
import { watched } from './health/commits.ts';
import { RateLimits } from './http/rate-limits.ts';
import { busCounters } from './http/shared-counters.ts';
import { Metrics } from './metrics.ts';
import { OrganizationKeys } from './organizations/keys.ts';
import { createSealer } from './secrets/sealer.ts';
import { Outcomes } from './unlocks/outcomes.ts';

/** What an installation is made of: all of it comes from the outside. */
export interface ContextParts {
  database: Database;
  bus: Bus;
  clock: Clock;
  random: Random;
  secretKey: Uint8Array;
  publicUrl: string;
  rateLimits: boolean;
  onBackgroundError: (error: unknown) => void;
}

/** Puts together what operations need. The same for a real installation and for one that is simulated. */
export function composeContext(parts: ContextParts): Context {
  const { bus, clock, random, secretKey, publicUrl, onBackgroundError } = parts;
  const feed = new EventFeed({ database: parts.database, onError: onBackgroundError });
  const metrics = new Metrics();
  const database = afterCommit(watched(parts.database, { metrics, clock }), () => {
    feed.notify();
    agentNews.committed();
  });
  bus.subscribe('events', () => feed.notify());
  const sealer = createSealer({ secretKey, random: random.bytes });
  const keys = new OrganizationKeys({ database, sealer });
  const agentNews = new AgentNews({ database, keys, clock, bus, onError: onBackgroundError });
  return {
    database,
    bus,
    feed,
    sealer,
    clock,
    random,
    agents: new AgentSessions({ bus, clock }),
    outcomes: new Outcomes({ database, onError: onBackgroundError }),
    agentNews,
    keys,
    publicUrl,
    onBackgroundError,
    limits: new RateLimits({
      enabled: parts.rateLimits,
      clock,
      shared: busCounters(bus),
      onLimited: (limit) => metrics.countLimited(limit),
    }),
    metrics,
  };
}
