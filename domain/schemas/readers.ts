import { Type } from 'typebox';
import { presentedTextLengthMax } from '../reader-protocol.ts';
import { Choice, Id, Name } from './fields.ts';
import { listing, SortByName } from './lists.ts';

/* What callers send about readers, and what the page of a tablet sends. */

const { Optional } = Type;

export const NewReader = Type.Object({ name: Name, lock_id: Id });

export const ReaderChange = Type.Object({ name: Optional(Name) });

export const ReaderQuery = Type.Object({
  ...listing,
  lock_id: Optional(Id),
  kind: Optional(Choice(['agent', 'tablet'])),
  sort: SortByName,
});

const Coordinate = Type.String({
  pattern: '^[A-Za-z0-9_-]{43}$',
  description: 'a coordinate of a point of P-256 as in a JSON Web Key: 32 bytes, base64url',
});
const Signature = Type.String({
  pattern: '^[A-Za-z0-9_-]{86}$',
  description: 'a signature by ECDSA with P-256 and SHA-256: 64 bytes, base64url',
});

export const ReaderEnrollment = Type.Object({
  code: Type.String({ maxLength: 100, description: 'the code that was shown when the reader was made' }),
  public_key: Type.Object(
    { kty: Type.Literal('EC'), crv: Type.Literal('P-256'), x: Coordinate, y: Coordinate },
    {
      additionalProperties: true,
      description: 'a public key of P-256 as a JSON Web Key: { "kty": "EC", "crv": "P-256", "x": …, "y": … }',
    },
  ),
  proof: Signature,
});

export const ReaderNonceRequest = Type.Object({ reader_id: Id, signature: Signature });

export const ReaderPresentation = Type.Object({
  reader_id: Id,
  nonce: Type.String({ maxLength: 500, description: 'the nonce that was answered last' }),
  text: Type.String({
    maxLength: presentedTextLengthMax,
    description: `what the QR code said, up to ${presentedTextLengthMax} characters`,
  }),
  signature: Signature,
});
