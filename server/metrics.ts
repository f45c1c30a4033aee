import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** From what nobody notices to what everybody does, in seconds. */
const secondsOfRequests = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const secondsOfCommits = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/**
 * What `GET /metrics` shows (Prometheus text format). Of numbers only: no label ever names an organization, a person
 * or a door, and every label has few values.
 */
export class Metrics {
  /** When this process last committed something; null: it has not yet. */
  lastCommitAt: string | null = null;
  readonly #registry = new Registry();
  readonly #unlocks = new Counter({
    name: 'postern_unlocks_total',
    help: 'Unlocks that this process decided, by outcome (opened, denied, failed) and reason.',
    labelNames: ['outcome', 'reason'],
    registers: [this.#registry],
  });
  readonly #requests = new Histogram({
    name: 'postern_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer, by method, route pattern and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: secondsOfRequests,
    registers: [this.#registry],
  });
  readonly #commits = new Histogram({
    name: 'postern_database_commit_duration_seconds',
    help: 'Time from asking for a transaction until it is durable, with waiting for its turn and for the disk.',
    buckets: secondsOfCommits,
    registers: [this.#registry],
  });
  readonly #failedCommits = new Counter({
    name: 'postern_database_failed_commits_total',
    help: 'Transactions that were taken back because the database could not be reached or written to.',
    registers: [this.#registry],
  });
  readonly #limited = new Counter({
    name: 'postern_rate_limited_total',
    help: 'Requests that were refused because there were too many, by limit.',
    labelNames: ['limit'],
    registers: [this.#registry],
  });

  /** Null: the door opened. */
  countUnlock(reason: string | null, count = 1): void {
    const failed = reason === 'lock_failed' || reason === 'outcome_unknown';
    const outcome = reason === null ? 'opened' : failed ? 'failed' : 'denied';
    this.#unlocks.inc({ outcome, reason: reason ?? '' }, count);
  }

  /** `route`: the pattern, never the address. */
  countRequest(request: { method: string; route: string; status: number }, ms: number): void {
    this.#requests.observe(request, ms / 1000);
  }

  countCommit(ms: number, at: string): void {
    this.lastCommitAt = at;
    this.#commits.observe(ms / 1000);
  }

  countFailedCommit(): void {
    this.#failedCommits.inc();
  }

  countLimited(limit: string): void {
    this.#limited.inc({ limit });
  }

  /** A number that is looked at when somebody asks for it. */
  watch(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(value());
      },
    });
  }

  /** From now on also the process's own: memory, file descriptors, garbage collection, the event loop's lag. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
