import type { KeyObject } from 'node:crypto';
import type { Role, Scope } from '../domain/scopes.ts';
import type { AgentNews } from './agents/news.ts';
import type { AgentSessions } from './agents/sessions.ts';
import type { Bus } from './bus/bus.ts';
import type { Database } from './database/database.ts';
import type { EventFeed } from './events/feed.ts';
import type { RateLimits } from './http/rate-limits.ts';
import type { Metrics } from './metrics.ts';
import type { OrganizationKeys } from './organizations/keys.ts';
import type { Sealer } from './secrets/sealer.ts';
import type { Outcomes } from './unlocks/outcomes.ts';

/** What operations need from outside themselves. Made once in main.ts; tests put their own clock in. */
export interface Context {
  database: Database;
  /** The line to the other server processes on the same database. */
  bus: Bus;
  /** Tells those who follow the events that there are new ones. */
  feed: EventFeed;
  sealer: Sealer;
  clock: Clock;
  random: Random;
  agents: AgentSessions;
  /** Tells connected agents what they need to decide alone. */
  agentNews: AgentNews;
  /** Writes down what became of commands. */
  outcomes: Outcomes;
  keys: OrganizationKeys;
  /** Without a slash at the end: links begin with it. */
  publicUrl: string;
  /** For work that nobody waits for: its failure is logged, never lost. */
  onBackgroundError: (error: unknown) => void;
  /** What callers may do how often. */
  limits: RateLimits;
  metrics: Metrics;
  /**
   * The request is answered a second time from what it committed earlier (http/idempotency.ts): what was commanded then
   * is not commanded again.
   */
  isRepetition?: boolean;
}

export interface Clock {
  /** The present instant, ISO 8601 UTC with milliseconds. */
  now(): string;
  /** Milliseconds that only ever go forward, for ages and deadlines. */
  monotonicMs(): number;
  /**
   * Does the work once so many monotonic milliseconds have passed, unless what this answers is called before. What is
   * due keeps no process running.
   */
  after(ms: number, work: () => void): () => void;
}

export interface Random {
  bytes(length: number): Uint8Array;
  /** A UUID of version 7 (RFC 9562 §5.7): sorts by the time it was made. */
  uuid(): string;
  /** A new Ed25519 key pair (RFC 8032). */
  keyPair(): { publicKey: KeyObject; privateKey: KeyObject };
}

/** Who is acting, once a credential has been recognised. */
export type Caller = AnyoneCaller | LoginCaller | LinkCaller;

export interface AnyoneCaller {
  kind: 'anyone';
}

export interface LoginCaller {
  kind: 'login';
  organization_id: number;
  login_id: number;
  /** `api`: an API key, which acts as the organization's service member. `login`: a member who signed in. */
  login_type: 'api' | 'login';
  member_id: number;
  member_name: string;
  member_email: string;
  role: Role;
  /** What this credential may do: never more than its role may. */
  scopes: ReadonlySet<Scope>;
  /** The groups that a manager runs; null: not limited to any. */
  group_ids: readonly number[] | null;
}

/** What of an organization somebody may see: what belongs to these groups, or everything. */
export type Sight = Pick<LoginCaller, 'organization_id' | 'group_ids'>;

export interface LinkCaller {
  /** `link`: the secret itself was sent; `page`: the visitor's page, by its sealed cookie. */
  kind: 'link' | 'page';
  organization_id: number;
  link_id: number;
}
