/** The part of `field-meanings.ts` that is about the page and the server itself. */
export const serverFieldMeanings = {
  nonce: 'What the unlock must send.',
  hold_ms_min: 'How long the button must be held, in milliseconds.',
  hold_ms_max: 'How long after its beginning a press is good for, in milliseconds.',
  status: 'Whether it serves.',
  last_commit_at: 'When this process last wrote something.',
  last_housekeeping_at: 'When it last cleared away what is not needed any more: every minute.',
  agents_connected: 'How many agents are connected to it.',
  'header.Idempotency-Key':
    'A name for this request: sent again under it, it is answered again and not done again.',
};
