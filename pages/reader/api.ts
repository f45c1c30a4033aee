/** What the server tells a tablet about itself. Names are anybody's text. */
export interface TabletView {
  reader_id: number;
  name: string;
  lock: { id: number; name: string };
  place: { name: string };
  organization: { name: string };
}

export interface NonceView extends TabletView {
  nonce: string;
  nonce_ms_max: number;
}

export interface DecisionView {
  granted: boolean;
  reason: string | null;
  message: string;
}

/** `status` 0: there was no answer. `reason` is the server's word for what went wrong, empty if it said none. */
export type Answer<Body> =
  | { ok: true; body: Body }
  | { ok: false; status: number; reason: string; message: string; retryAfterSeconds: number };

/** Longer than the server waits for the lock. */
const deadlineMs = 6000;

export function enroll(body: object): Promise<Answer<TabletView>> {
  return ask('enrollments', body);
}

export function requestNonce(body: object): Promise<Answer<NonceView>> {
  return ask('nonces', body);
}

export function present(body: object): Promise<Answer<DecisionView>> {
  return ask('presentations', body);
}

async function ask<Body>(path: string, body: object): Promise<Answer<Body>> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), deadlineMs);
  try {
    const response = await fetch(`/reader/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      cache: 'no-store',
      redirect: 'error',
      signal: controller.signal,
    });
    // Our own server of the same version wrote this: its shape is the contract between the two.
    if (response.ok) return { ok: true, body: (await response.json()) as Body };
    return { ok: false, status: response.status, ...(await refusal(response)) };
  } catch {
    return { ok: false, status: 0, reason: '', message: '', retryAfterSeconds: 0 };
  } finally {
    clearTimeout(timer);
  }
}

async function refusal(response: Response) {
  const said: unknown = await response.json().catch(() => null);
  const field = (name: 'reason' | 'error') =>
    typeof said === 'object' && said !== null && name in said
      ? String((said as Record<string, unknown>)[name]) // it is an object with that name
      : '';
  const retryAfterSeconds = Math.min(Number(response.headers.get('Retry-After')) || 5, 600);
  return { reason: field('reason'), message: field('error'), retryAfterSeconds };
}
