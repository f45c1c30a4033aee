import { Type } from 'typebox';
import { Choice, Email, Flag, Id, Ignored, Instant, Name, Nullable, Phone } from './fields.ts';
import { listing } from './lists.ts';

/* What callers send about access links. */

const { Optional } = Type;

const MaxUses = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description: 'a whole number from 1 to 1000000',
});

const Metadata = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: { type: 'string', maxLength: 500 },
  maxProperties: 50,
  description: 'an object of up to 50 texts of up to 500 characters each',
});

const linkFields = {
  name: Name,
  group_id: Id,
  email: Optional(Nullable(Email)),
  phone: Optional(Nullable(Phone)),
  valid_from: Optional(Nullable(Instant)),
  valid_until: Optional(Nullable(Instant)),
  link_enabled: Optional(Flag),
  quick_response_code_type: Optional(Nullable(Choice(['online', 'offline']))),
  max_uses: Optional(Nullable(MaxUses)),
  metadata: Optional(Nullable(Metadata)),
};

export const NewLink = Type.Object(linkFields);

export const LinkChange = Type.Partial(Type.Object({ ...linkFields, suspended: Flag }));

export const LinkQuery = Type.Object({
  ...listing,
  group_id: Optional(Id),
  sort: Optional(
    Choice([
      'name',
      '-name',
      'unlock',
      '-unlock',
      'valid_until',
      '-valid_until',
      'group_name',
      '-group_name',
    ]),
  ),
  state: Optional(Choice(['active', 'ended'])),
  cursor: Optional(
    Type.String({ pattern: '^[A-Za-z0-9_-]{1,1000}$', description: 'the cursor of an earlier answer' }),
  ),
});

/** Nothing needs to be sent to be shown a link's credentials. */
export const LinkReveal = Type.Object({ group_link: Optional(Ignored) });

export const QrCodeQuery = Type.Object({
  size: Optional(
    Type.Integer({ minimum: 64, maximum: 2048, description: 'a whole number of pixels from 64 to 2048' }),
  ),
});
