import { Type } from 'typebox';
import type { LinkState } from '../../link.ts';
import {
  briefly,
  count,
  dates,
  flag,
  id,
  instant,
  oftenNull,
  orNull,
  resourceType,
  text,
  word,
} from './fields.ts';

/* What is answered about access links. */

const linkStates: readonly LinkState[] = [
  'active',
  'not_active',
  'expired',
  'suspended',
  'revoked',
  'used_up',
];

const Issuer = Type.Object({
  id: id(1),
  resource_type: resourceType('User'),
  email: orNull(text('service@example.org')),
  name: text('Booking system'),
});

const link = {
  id: id(7),
  resource_type: resourceType('GroupLink'),
  name: text('Robin Guest'),
  email: orNull(text('robin@example.org')),
  phone: oftenNull(text('+4930123456')),
  last_used_at: oftenNull(instant()),
  link_enabled: flag(true),
  quick_response_code_type: orNull(word(['offline', 'online'])),
  valid_from: orNull(instant('2026-12-02T08:00:00.000Z')),
  valid_until: instant('2026-12-02T18:00:00.000Z'),
  ...dates,
  group_id: id(3),
  group: briefly('Group', 'Meeting rooms'),
  created_by_type: Type.Literal('User'),
  created_by_id: id(1),
  created_by: Issuer,
  issued_by_id: id(1),
  issued_by: Issuer,
  max_uses: oftenNull(Type.Integer({ minimum: 1 })),
  uses: count(),
  suspended: flag(),
  suspended_at: oftenNull(instant()),
  revoked_at: oftenNull(instant()),
  revealed_at: oftenNull(instant()),
  metadata: orNull(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      additionalProperties: { type: 'string' },
      examples: [{ booking: 'B-1042' }],
    }),
  ),
};

export const LinkAnswer = Type.Object(link, { title: 'GroupLink' });

export const ChangedLinkAnswer = Type.Object(
  { ...link, secret_rotated: Type.Optional(Type.Literal(true)) },
  { title: 'ChangedGroupLink' },
);

const secretExample = 'k3v9x2q7d4m8r6t1w5y0b2n4c7f9h3j6';
/** Base64 of the eight bytes that every PNG begins with. */
const pngExample = 'iVBORw0KGgo=';

/** The credentials of a link: shown when it is issued, and when it is revealed. */
const credentials = {
  secret: orNull(text(secretExample)),
  quick_response_code_token: orNull(text('PSN1:6BFOXN%TSMAHN-HWWK2RL99TEZP3Z9M52U…')),
  quick_response_code_image: orNull(Type.String({ contentEncoding: 'base64', examples: [pngExample] })),
  url: orNull(text(`https://doors.example.org/l/7#${secretExample}`)),
  qr_code_url: orNull(text('https://doors.example.org/group_link/qr_code.png')),
};

export const IssuedLinkAnswer = Type.Object({ ...link, ...credentials }, { title: 'IssuedGroupLink' });

/** A link as whoever holds its secret sees it. */
export const linkView = {
  id: id(7),
  resource_type: resourceType('GroupLink'),
  name: text('Robin Guest'),
  organization: Type.Object({ name: text('Harbour House') }),
  state: word(linkStates),
  valid_from: orNull(instant('2026-12-02T08:00:00.000Z')),
  valid_until: instant('2026-12-02T18:00:00.000Z'),
  max_uses: oftenNull(Type.Integer({ minimum: 1 })),
  uses: count(),
  link_enabled: flag(true),
  server_time: instant('2026-12-02T09:30:00.000Z'),
};

export const LinkViewAnswer = Type.Object(linkView, { title: 'GroupLinkView' });
