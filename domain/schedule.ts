/** A span of wall time within one day. `start` and `end` are `HH:MM`; `end` may be `24:00`. */
export interface Hours {
  start: string;
  end: string;
}

/**
 * When a group's doors open: weekly windows and dated exceptions, as wall time in the zone of the place of the
 * door being opened. A window whose end is not after its start runs past midnight into the next day.
 */
export interface Schedule {
  /** `days`: ISO 8601 weekday numbers, 1 = Monday … 7 = Sunday. */
  weekly: readonly ({ days: readonly number[] } & Hours)[];
  /** On `date` (`YYYY-MM-DD`) these hours replace the weekly windows that start that day; none: closed. */
  exceptions: readonly { date: string; hours: readonly Hours[] }[];
}

/** Whether any of the schedules allows the instant `at`; no schedules: always. */
export function allows(schedules: readonly Schedule[], timeZone: string, at: string): boolean {
  throw new Error(`not written yet ${schedules.length} ${timeZone} ${at}`);
}

/** The first instant at or after `from` that any of the schedules allows; null: none within 400 days. */
export function nextOpening(schedules: readonly Schedule[], timeZone: string, from: string): string | null {
  throw new Error(`not written yet ${schedules.length} ${timeZone} ${from}`);
}
