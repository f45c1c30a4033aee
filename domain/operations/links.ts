import { ChangedLinkAnswer, IssuedLinkAnswer, LinkAnswer, LinkViewAnswer } from '../schemas/answers/links.ts';
import { LinkChange, LinkQuery, LinkReveal, NewLink, QrCodeQuery } from '../schemas/links.ts';
import { file, nothing, type OperationDescription, record } from './operation.ts';

/* Access links: for operators, and for whoever holds one. */

export const linkOperations = {
  'links.create': {
    tag: 'Access links',
    summary: 'Issue an access link',
    description:
      'Makes a link for a recipient. It opens the doors of its group, within its window, from its page and with its QR ' +
      'code.\n\nThe answer is the only one that holds `secret`, `url` and the QR code: hand them to the recipient, and ' +
      'keep none of them. The window is `[valid_from, valid_until)`; without an end the link lasts as long as the ' +
      "organization's default says, 7 days if nobody changed it. `max_uses` counts page, API and readers together.",
    body: {
      noun: 'group_link',
      schema: NewLink,
      example: {
        name: 'Robin Guest',
        email: 'robin@example.org',
        group_id: 3,
        valid_from: '2026-12-02T08:00:00Z',
        valid_until: '2026-12-02T18:00:00Z',
        metadata: { booking: 'B-1042' },
      },
    },
    answer: record(IssuedLinkAnswer),
  },
  'links.list': {
    tag: 'Access links',
    summary: 'List access links',
    description:
      'Links that were not revoked. `state=active` leaves out those whose window is over, `state=ended` lists these and the ' +
      'revoked ones. No answer here holds a secret or a QR code.\n\nFor lists of any length: `X-Next-Cursor` (and the `Link` header) names the `cursor` of the ' +
      'next page, which has no `X-Collection-Range` then.',
    query: LinkQuery,
    answer: { kind: 'list', of: LinkAnswer, pages: ['by offset', 'by cursor'] },
  },
  'links.show': {
    tag: 'Access links',
    summary: 'Show an access link',
    description: 'One link, without its secret and QR code. A revoked link is not found.',
    answer: record(LinkAnswer),
  },
  'links.change': {
    tag: 'Access links',
    summary: 'Change, extend, suspend or resume an access link',
    description:
      'Only the fields that are sent change. A later `valid_until` extends the link, `suspended` stops it and lets it go ' +
      'on. Whatever narrows what the link allows holds from the next decision on, and replaces its QR code: the page ' +
      'shows the new one by itself. A new `email` or `phone` on a link that was sent or shown to somebody gives it a new ' +
      'secret too (`secret_rotated`): reveal it to hand it out.',
    body: { noun: 'group_link', schema: LinkChange, example: { valid_until: '2026-12-03T18:00:00Z' } },
    answer: record(ChangedLinkAnswer),
  },
  'links.revoke': {
    tag: 'Access links',
    summary: 'Revoke an access link',
    description:
      'Ends the link for good. When the answer has arrived nothing that is connected opens a door for it any more. Its ' +
      'events stay.',
    answer: nothing,
  },
  'links.reveal': {
    tag: 'Access links',
    summary: 'Show the secret and the QR code of a link again',
    description:
      'Answers what the creation of the link answered. It is an event, and it needs a scope of its own: whoever may do it ' +
      'can use every link.',
    body: { schema: LinkReveal, example: {}, optional: true },
    answer: record(IssuedLinkAnswer),
  },
  'link.show': {
    tag: 'A link itself',
    summary: 'Show the link whose secret is sent',
    description: 'Its window, its uses and how it stands now; also after its end, for 30 days.',
    answer: record(LinkViewAnswer),
  },
  'link.show_qr_svg': {
    tag: 'A link itself',
    summary: 'Draw the QR code as SVG',
    description: 'The QR code that the readers take, as a scalable picture: black on white with its margin.',
    query: QrCodeQuery,
    answer: file('image/svg+xml'),
    errors: ['not_found'],
  },
  'link.show_qr_png': {
    tag: 'A link itself',
    summary: 'Draw the QR code as PNG',
    description: 'The QR code that the readers take, as a picture: black on white with its margin.',
    query: QrCodeQuery,
    answer: file('image/png'),
    errors: ['not_found'],
  },
} as const satisfies Record<string, OperationDescription>;
