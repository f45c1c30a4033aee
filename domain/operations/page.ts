import { unlockDenials } from '../decide.ts';
import { HoldAnswer, PageLinkAnswer, PageUnlockedAnswer } from '../schemas/answers/page.ts';
import { PageHold, PageSecret, PageUnlock } from '../schemas/page.ts';
import { file, type OperationDescription, record } from './operation.ts';

/* What the visitor's page loads and sends. */

const tag = "The visitor's page";

export const pageOperations = {
  'page.show': {
    tag,
    summary: "Load the visitor's page",
    description:
      'The same page for every address: it reads the secret from its own address, in the browser. Loading it changes ' +
      'nothing and opens nothing. `/grouplinks/{secret}` is for programs that build the address themselves.',
    answer: file('text/html'),
  },
  'page.show_asset': {
    tag,
    summary: "Load a script or style sheet of the visitor's page",
    description: 'Named by its content, so that it can be kept for ever.',
    answer: file('text/javascript', 'text/css'),
    errors: ['not_found'],
  },
  'page.open_session': {
    tag,
    summary: "Exchange a link's secret for a cookie",
    description:
      'Sets the cookie that the other operations of the page need. Nothing is written, no use is taken.',
    body: { schema: PageSecret, example: { secret: 'k3v9x2q7d4m8r6t1w5y0b2n4c7f9h3j6' } },
    answer: record(PageLinkAnswer),
    errors: ['unauthorized'],
  },
  'page.show_link': {
    tag,
    summary: 'Show the link and its doors to the page',
    description: 'How the link stands now, its QR code, and of each door whether it would open.',
    answer: record(PageLinkAnswer),
    errors: ['unauthorized', 'credential_revoked'],
  },
  'page.begin_hold': {
    tag,
    summary: 'Begin to hold the button of a door',
    description: 'Answers a nonce, good for one unlock of this door once the button was held long enough.',
    body: { schema: PageHold, example: { lock_id: 5 } },
    answer: record(HoldAnswer),
  },
  'page.unlock': {
    tag,
    summary: 'Unlock the door whose button was held',
    description:
      'Refused when the button was held too short or too long ago, or when the press was used before.',
    body: { schema: PageUnlock, example: { lock_id: 5, nonce: 'q7Xh0m3yQ2aTnJ5sV1k8rA' } },
    answer: record(PageUnlockedAnswer),
    errors: [
      ...unlockDenials,
      'hold_too_short',
      'hold_expired',
      'hold_used',
      'outcome_unknown',
      'lock_failed',
    ],
  },
} as const satisfies Record<string, OperationDescription>;
