import type { DenialReason } from '../../domain/decide.ts';

export interface LockView {
  id: number;
  name: string;
  place: { id: number; name: string; time_zone: string };
  online: boolean;
  unlockable: boolean;
  reason: DenialReason | null;
  unlockable_at: string | null;
}

/** What the server tells the page about its link. Instants are ISO 8601 UTC; names are anybody's text. */
export interface LinkView {
  id: number;
  name: string;
  organization: { name: string };
  state: 'active' | 'not_active' | 'expired' | 'suspended' | 'revoked' | 'used_up';
  valid_from: string | null;
  valid_until: string;
  max_uses: number | null;
  uses: number;
  server_time: string;
  pass: string | null;
  link_enabled: boolean;
  locks: LockView[];
}

/** A held press as the server counts it: the nonce is good between these two ages, in milliseconds. */
export interface HoldView {
  nonce: string;
  hold_ms_min: number;
  hold_ms_max: number;
}

/** `status` 0: there was no answer. `reason` is the server's word for what went wrong, empty if it said none. */
export type Answer<Body> =
  | { ok: true; body: Body; sentAt: number; receivedAt: number }
  | { ok: false; status: number; reason: string; retryAfterSeconds: number };

const deadlineMs = 6000;

export function startSession(secret: string): Promise<Answer<LinkView>> {
  return ask('sessions', { secret });
}

export function readLink(linkId: string): Promise<Answer<LinkView>> {
  return ask(`links/${linkId}`);
}

export function startHold(linkId: number, lockId: number, signal: AbortSignal): Promise<Answer<HoldView>> {
  return ask(`links/${linkId}/holds`, { lock_id: lockId }, signal);
}

export function unlock(
  linkId: number,
  lockId: number,
  nonce: string,
): Promise<Answer<{ unlocked_until: string }>> {
  return ask(`links/${linkId}/unlock`, { lock_id: lockId, nonce });
}

async function ask<Body>(path: string, body?: object, signal?: AbortSignal): Promise<Answer<Body>> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, deadlineMs);
  signal?.addEventListener('abort', abort);
  const sentAt = Date.now();
  try {
    const response = await fetch(`/page/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      redirect: 'error',
      signal: controller.signal,
    });
    const receivedAt = Date.now();
    // Our own server of the same version wrote this: its shape is the contract between the two.
    if (response.ok) return { ok: true, body: (await response.json()) as Body, sentAt, receivedAt };
    return { ok: false, status: response.status, ...(await refusal(response)) };
  } catch {
    return { ok: false, status: 0, reason: '', retryAfterSeconds: 0 };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function refusal(response: Response): Promise<{ reason: string; retryAfterSeconds: number }> {
  const said: unknown = await response.json().catch(() => null);
  const reason = typeof said === 'object' && said !== null && 'reason' in said ? String(said.reason) : '';
  return { reason, retryAfterSeconds: Math.min(Number(response.headers.get('Retry-After')) || 5, 600) };
}
