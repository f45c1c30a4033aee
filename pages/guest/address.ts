/** Where the visitor came from: the link's id when the address tells it, and its secret when it is still there. */
export interface Address {
  linkId: string | null;
  secret: string | null;
}

/**
 * Takes the secret out of the address at once, synchronously: afterwards neither the address bar nor the history,
 * back, forward or reload know it. Anything else that a mailer added to the address goes with it.
 */
export function takeAddress(): Address {
  const [, root, last] = location.pathname.split('/');
  const linkId = root === 'l' && /^\d+$/.test(last ?? '') ? (last ?? null) : null;
  const secret = root === 'grouplinks' ? last : location.hash.slice(1);
  showAddress(linkId);
  return { linkId, secret: decoded(secret ?? '') || null };
}

export function showAddress(linkId: string | number | null): void {
  history.replaceState(null, '', `/l/${linkId ?? ''}`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
