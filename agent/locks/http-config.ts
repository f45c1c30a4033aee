import { type Static, Type } from 'typebox';

const closed = { additionalProperties: false };

export const Expected = Type.Object(
  {
    text: Type.Optional(
      Type.String({ minLength: 1, description: 'a text that the answer contains, such as "OK"' }),
    ),
    field: Type.Optional(
      Type.String({ minLength: 1, description: 'a field of the JSON answer, such as "result.on"' }),
    ),
    equals: Type.Optional(
      Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
        description: 'what that field is: a text, a number, true or false',
      }),
    ),
  },
  { ...closed, description: 'what a good answer says besides a status from 200 to 299' },
);
export type Expected = Static<typeof Expected>;

/** No user and password, which would be shown, and no template that could choose another machine. */
export const urlPattern = '^https?://[^/@{}?#]+([/?].*)?$';

const Url = Type.String({
  pattern: urlPattern,
  description:
    'an http or https address without user and password, such as "http://192.168.1.20/relay?on={pulse_s}"',
});

const Headers = Type.Record(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }), Type.String(), {
  description: 'header names and their texts, such as { "X-Key": "{token}" }',
});

export const TemplatedRequest = Type.Object(
  {
    method: Type.Optional(
      Type.Union(
        [
          Type.Literal('GET'),
          Type.Literal('POST'),
          Type.Literal('PUT'),
          Type.Literal('PATCH'),
          Type.Literal('DELETE'),
        ],
        { description: '"GET", "POST" (the default), "PUT", "PATCH" or "DELETE"' },
      ),
    ),
    url: Url,
    headers: Type.Optional(Headers),
    body: Type.Optional(
      Type.Union([Type.String(), Type.Record(Type.String(), Type.Unknown())], {
        description: 'a text, or an object that is sent as JSON, such as { "seconds": "{pulse_s}" }',
      }),
    ),
    expect: Type.Optional(Expected),
  },
  closed,
);
export type TemplatedRequest = Static<typeof TemplatedRequest>;

export const CheckRequest = Type.Object(
  { url: Url, headers: Type.Optional(Headers), expect: Type.Optional(Expected) },
  closed,
);

export const CaFile = Type.Optional(
  Type.String({
    minLength: 1,
    description: 'the path of a file with the certificates (PEM) to trust instead of the machine’s own',
  }),
);

export const DeviceUrl = Type.String({
  pattern: '^https?://[^/@?#]+/?$',
  description: 'an http or https address without a path, such as "http://192.168.1.20"',
});

export const HttpLockConfig = Type.Object({
  driver: Type.Literal('http'),
  unlock: Type.Unsafe<TemplatedRequest>({
    ...TemplatedRequest,
    description: 'the request that releases the lock',
  }),
  relock: Type.Optional(
    Type.Unsafe<TemplatedRequest>({
      ...TemplatedRequest,
      description:
        'the request that locks again, sent when the pulse is over; absent: the device locks again by itself',
    }),
  ),
  check: Type.Optional(
    Type.Unsafe<Static<typeof CheckRequest>>({
      ...CheckRequest,
      description: 'a GET that moves nothing, for "postern agent check"',
    }),
  ),
  token_file: Type.Optional(
    Type.String({
      minLength: 1,
      description:
        'the path of a file with a token: sent as "Authorization: Bearer", or where the requests say {token}',
    }),
  ),
  authentication: Type.Optional(
    Type.Union([Type.Literal('basic'), Type.Literal('digest')], {
      description: '"basic" or "digest" (SHA-256): how user and password are given',
    }),
  ),
  user: Type.Optional(Type.String({ minLength: 1, description: 'a user name; "admin" if absent' })),
  password_file: Type.Optional(
    Type.String({ minLength: 1, description: 'the path of a file with the password' }),
  ),
  ca_file: CaFile,
});
export type HttpLockConfig = Static<typeof HttpLockConfig>;
