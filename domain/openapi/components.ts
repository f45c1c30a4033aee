import { errorBody, invalidField, PosternError } from '../errors.ts';
import type { Reason } from '../operations/operation.ts';
import { reasons } from '../schemas/answers/errors.ts';
import type { HeaderObject, OpenApiDocument } from './document.ts';
import { entryOf } from './failures.ts';

/** The headers that answers carry beside what every HTTP answer does. */
const headers: Record<string, HeaderObject> = {
  'X-Collection-Range': {
    description:
      'Which entries these are, of how many: `start-end/total`, and `*/total` when there are none.',
    schema: { type: 'string', pattern: '^(\\d+-\\d+|\\*)/\\d+$', examples: ['0-9/42'] },
  },
  'X-Next-Cursor': {
    description: 'The `cursor` of the next page; not there on the last one.',
    schema: { type: 'string', examples: ['1041'] },
  },
  Link: {
    description:
      'With `rel="next"`: the next page (RFC 8288). With `rel="help"`, on an error: the page that says what to do.',
    schema: { type: 'string', examples: ['</docs/errors/not_found>; rel="help"'] },
  },
  'Retry-After': {
    description: 'After how many seconds another try makes sense.',
    schema: { type: 'integer', minimum: 1, examples: [2] },
  },
  'WWW-Authenticate': {
    description: 'The schemes that are understood here.',
    schema: { type: 'string', examples: ['KISI-LOGIN, Bearer, KISI-GROUP-LINK'] },
  },
};

const securitySchemes: OpenApiDocument['components']['securitySchemes'] = {
  login: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description:
      "`KISI-LOGIN <secret>`: an API key, or a member's login. What an operation lists here are the scopes it needs.",
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'The same secret in the standard scheme: `Bearer <secret>`.',
  },
  group_link: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: '`KISI-GROUP-LINK <secret>` or `KISI-LINK <secret>`: the secret of an access link.',
  },
  page: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-postern-{id}',
    description: "The visitor's page, by the sealed cookie of its link: `{id}` is the number of the link.",
  },
};

/** What the operations of a document refer to, their shapes aside. */
export function sharedComponents(
  paths: OpenApiDocument['paths'],
): Omit<OpenApiDocument['components'], 'schemas'> {
  return { examples: errorExamples(paths), headers, securitySchemes };
}

/** An example of every error answer that an operation gives, under its reason. */
function errorExamples(paths: OpenApiDocument['paths']): OpenApiDocument['components']['examples'] {
  const responses = Object.values(paths)
    .flatMap((operations) => Object.values(operations))
    .flatMap((operation) => Object.values(operation.responses));
  const used = new Set(
    responses.flatMap(({ content }) => Object.keys(content?.['application/json']?.examples ?? {})),
  );
  return Object.fromEntries(
    reasons
      .filter((reason) => used.has(reason))
      .map((reason) => [reason, { summary: entryOf(reason).title, value: errorExample(reason) }]),
  );
}

/** The body of an answer with this reason. */
export function errorExample(reason: Reason): unknown {
  if (reason === 'invalid')
    return errorBody(invalidField('group_id', 'must be the id of one of your groups'));
  return errorBody(new PosternError(reason));
}
