import { addMs, lastInstant, later, msBetween } from './instants.ts';

/** How a link stands at an instant, in the one word that its page and its own view say. */
export type LinkState = 'active' | 'not_active' | 'expired' | 'suspended' | 'revoked' | 'used_up';

export interface LinkTerms {
  valid_from: string | null;
  valid_until: string;
  suspended_at: string | null;
  revoked_at: string | null;
  max_uses: number | null;
  uses: number;
}

/** How long the link's own view can still be read after its end: 30 days. */
export const endedLinkVisibleMs = 30 * 24 * 3_600_000;

/** The same order as the decision's checks: what it would say for a door of the link, door and hours aside. */
export function linkState(link: LinkTerms, at: string): LinkState {
  if (link.revoked_at !== null) return 'revoked';
  if (link.suspended_at !== null) return 'suspended';
  if (link.valid_from !== null && at < link.valid_from) return 'not_active';
  if (at >= link.valid_until) return 'expired';
  if (link.max_uses !== null && link.uses >= link.max_uses) return 'used_up';
  return 'active';
}

/** Whether a link that has ended is so long gone that even its own secret shows nothing of it. */
export function isForgotten(link: Pick<LinkTerms, 'valid_until' | 'revoked_at'>, at: string): boolean {
  const endedAt =
    link.revoked_at !== null && link.revoked_at < link.valid_until ? link.revoked_at : link.valid_until;
  return msBetween(endedAt, at) > endedLinkVisibleMs;
}

/**
 * Whether a change gives the link to somebody else: a new e-mail address or phone number. Losing one is no such
 * change.
 */
export function namesNewRecipient(before: Contact, after: Contact): boolean {
  const isNew = (old: string | null, now: string | null) => now !== null && now !== old;
  return isNew(before.email, after.email) || isNew(before.phone, after.phone);
}

export interface Contact {
  email: string | null;
  phone: string | null;
}

export interface ValidityRules {
  default_validity_s: number;
  validity_s_max: number;
}

export type Validity = { valid_from: string | null; valid_until: string };

/**
 * The window of a link: the wanted one, or the organization's default where no end is given. Answers the field that
 * is wrong and what it must be, when it cannot be.
 */
export function chooseValidity(
  wanted: { valid_from: string | null; valid_until: string | null },
  at: string,
  rules: ValidityRules,
): Validity | { field: 'valid_from' | 'valid_until'; expected: string } {
  const from = wanted.valid_from ?? at;
  const defaultMs = rules.default_validity_s * 1000;
  if (wanted.valid_until === null && msBetween(from, lastInstant) < defaultMs) {
    return {
      field: 'valid_from',
      expected: 'must lie further before the year 10000, or valid_until be given',
    };
  }
  const until = wanted.valid_until ?? addMs(later(from, at), defaultMs);
  if (until <= from && wanted.valid_from !== null)
    return { field: 'valid_until', expected: 'must be later than valid_from' };
  // From the present on: a link that began long ago can be extended by as much as a new one could last.
  if (msBetween(later(from, at), until) > rules.validity_s_max * 1000) {
    const days = Math.floor(rules.validity_s_max / 86_400);
    return { field: 'valid_until', expected: `must be at most ${days} days away: a link is temporary` };
  }
  return { valid_from: wanted.valid_from, valid_until: until };
}
