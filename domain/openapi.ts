import { type TObject, Type } from 'typebox';
import { type Endpoint, endpoints, type Operation } from './endpoints.ts';
import { meaningOf } from './field-meanings.ts';
import { takesIdempotencyKey } from './idempotency.ts';
import { sharedComponents } from './openapi/components.ts';
import type { OpenApiDocument, OperationObject, Parameter } from './openapi/document.ts';
import { introduction } from './openapi/introduction.ts';
import { responsesOf } from './openapi/responses.ts';
import { Shapes } from './openapi/shapes.ts';
import { type Body, tags } from './operations/operation.ts';
import { describe, operations } from './operations.ts';

/** What the document says of the server that gives it. */
export interface Served {
  /** Without a slash at the end. */
  publicUrl: string;
  version: string;
}

/** Everything that the server answers, as an OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1). */
export function openApiDocument({ publicUrl, version }: Served): OpenApiDocument {
  const shapes = new Shapes();
  const paths = pathsOf(shapes);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Postern',
      version,
      summary: 'Temporary access to doors: links for visitors, and the record of what they opened.',
      description: introduction,
      contact: { name: 'Whoever runs this server', url: publicUrl },
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl(publicUrl), description: 'This server.' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas: shapes.all(), ...sharedComponents(paths) },
  };
}

/** `localhost` is another machine to whoever reads the document elsewhere: then it is where the document came from. */
function serverUrl(publicUrl: string): string {
  return URL.parse(publicUrl)?.hostname === 'localhost' ? '/' : publicUrl;
}

function pathsOf(shapes: Shapes): OpenApiDocument['paths'] {
  const paths: OpenApiDocument['paths'] = {};
  for (const operation of Object.keys(operations) as Operation[]) {
    if (describe(operation).answer.kind === 'upgrade') continue;
    const { paths: addresses, methods }: Endpoint = endpoints[operation];
    for (const path of addresses) {
      const template = path.replace(/:([a-z_]+)/g, '{$1}');
      const at = paths[template] ?? {};
      for (const method of methods)
        at[method.toLowerCase()] = operationObject(operation, { path, method }, shapes);
      paths[template] = inOrder(at);
    }
  }
  return paths;
}

const KeyHeader = Type.Object({
  'Idempotency-Key': Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: '1 to 255 printable ASCII characters' }),
  ),
});

const methodsInOrder = ['get', 'post', 'put', 'patch', 'delete'];

function inOrder(objects: Record<string, OperationObject>): Record<string, OperationObject> {
  const found = methodsInOrder.flatMap((method) => {
    const object = objects[method];
    return object ? [[method, object] as const] : [];
  });
  return Object.fromEntries(found);
}

function operationObject(
  operation: Operation,
  spelled: { path: string; method: string },
  shapes: Shapes,
): OperationObject {
  const { tag, summary, description, body } = describe(operation);
  const { paths, methods }: Endpoint = endpoints[operation];
  const isOlder = spelled.path !== paths[0] && operation === 'doors.unlock';
  const parameters = [
    ...pathParameters(spelled.path),
    ...parametersIn('query', describe(operation).query, shapes),
    ...parametersIn('header', describe(operation).headers, shapes),
    ...(takesIdempotencyKey(endpoints[operation]) ? parametersIn('header', KeyHeader, shapes) : []),
  ];
  return {
    operationId: operationId(operation, {
      method: spelled.method === methods[0] ? '' : spelled.method,
      path: spelled.path === paths[0] ? '' : spelled.path,
    }),
    tags: [tag],
    summary,
    description: [description, scopeSentence(operation)].filter(Boolean).join('\n\n'),
    ...(isOlder ? { deprecated: true } : {}),
    security: securityOf(endpoints[operation]),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: requestBody(body, shapes) } : {}),
    responses: responsesOf(operation, shapes),
  };
}

const wireNouns: Record<string, string> = {
  links: 'group_links',
  link: 'group_link',
  doors: 'locks',
  group_doors: 'group_locks',
};

/** The operation in the words of the wire; another spelling of it has what is different behind. */
export function operationId(operation: Operation, other = { method: '', path: '' }): string {
  const [noun = '', verb] = operation.split('.');
  const ending = other.path
    .replace(/\/:[a-z_]+/g, '')
    .split('/')
    .at(-1);
  return [wireNouns[noun] ?? noun, verb, other.method.toLowerCase(), ending].filter(Boolean).join('_');
}

function scopeSentence(operation: Operation): string | undefined {
  const { scope, callers }: Endpoint = endpoints[operation];
  return scope && callers.includes('login') ? `A login needs the scope \`${scope}\`.` : undefined;
}

function securityOf({ callers, scope }: Endpoint): Record<string, string[]>[] {
  const found: Record<string, string[]>[] = [];
  if (callers.includes('login'))
    found.push({ login: scope ? [scope] : [] }, { bearer: scope ? [scope] : [] });
  if (callers.includes('login') && callers.includes('anyone')) found.push({});
  if (callers.includes('link')) found.push({ group_link: [] });
  if (callers.includes('page')) found.push({ page: [] });
  return found;
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/:([a-z_]+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: meaningOf('path', name) ?? '',
    schema:
      name === 'id'
        ? { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER, examples: [7] }
        : { type: 'string', maxLength: 500 },
  }));
}

function parametersIn(where: 'query' | 'header', schema: TObject | undefined, shapes: Shapes): Parameter[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = shapes.translate(schema, 'request', where);
  return Object.entries(properties).map(([name, { description = '', ...rest }]) => ({
    name,
    in: where,
    required: required.includes(name),
    description,
    schema: rest,
  }));
}

function requestBody(body: Body, shapes: Shapes): OperationObject['requestBody'] {
  const { noun, schema, example, optional } = body;
  const fields = shapes.translate(schema, 'request', ownerOf(noun));
  const wrapped = {
    type: 'object',
    properties: { [noun ?? '']: { ...fields, description: 'The fields.' } },
    required: [noun ?? ''],
    additionalProperties: false,
  };
  const content = {
    'application/json': noun
      ? { schema: wrapped, example: { [noun]: example } }
      : { schema: fields, example },
  };
  return { required: !optional, content };
}

/** The record that a noun of the wire stands for: `GroupLink` for `group_link`. */
function ownerOf(noun = 'Request'): string {
  return noun.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}
