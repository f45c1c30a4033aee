import assert from 'node:assert/strict';
import * as JsonSchema from 'typebox/schema';
import { agentPath } from '../domain/agent-protocol.ts';
import type {
  MediaType,
  OpenApiDocument,
  OperationObject,
  ResponseObject,
} from '../domain/openapi/document.ts';
import type { Schema } from '../domain/openapi/schema.ts';
import { openApiDocument } from '../domain/openapi.ts';
import { type Answer, type Call, fetchAnswer } from './test-server.ts';

/** The document, as the tests hold the server to it. */
export const contract = openApiDocument({ publicUrl: 'https://doors.example.org', version: '0' });

export interface Asked {
  method: string;
  path: string;
}

/** One request of an operation of the document: as every request of the tests, held to what it says. */
export function askByContract(url: string, request: Call & Asked): Promise<Answer> {
  assert.ok(
    findOperation(request.method, request.path),
    `${request.method} ${request.path} is not in the document`,
  );
  return fetchAnswer(url, request);
}

/**
 * Of an operation of the document, the answer has a status that is listed there, a body of the schema that stands there, and the
 * headers. Stricter than the document in one thing: a field that it does not describe is a mistake.
 */
export function assertContract({ method, path }: Asked, answer: Answer): void {
  const found = findOperation(method, path);
  if (!found) return;
  const { status, headers, body } = answer;
  const what = `${method} ${found.template}: ${status} ${JSON.stringify(body)?.slice(0, 600)}`;
  const response = found.operation.responses[status] ?? beyondTheDocument[status];
  assert.ok(response, `${what}: the document has no such status`);
  for (const name of requiredHeaders(response, { status, path })) assertHeader(name, headers.get(name), what);
  const type = headers.get('content-type')?.split(';', 1)[0] ?? '';
  const media = response.content?.[type];
  if (response.content === undefined) return assert.equal(body, '', what);
  assert.ok(media, `${what}: the document has no ${type} there`);
  if (type !== 'application/json' || found.template === '/openapi.json') return;
  const problems = problemsOf(media.schema, body);
  assert.deepEqual(problems, [], what);
  if (media.examples)
    assert.ok(body.reason in media.examples, `${what}: the document has no such reason there`);
}

/**
 * What any request may get that is no proper HTTP, or too much of it: said once, in the document's introduction. And what no
 * request may get: the tests that plant a failure look for it themselves.
 */
const beyondTheDocument: Record<number, ResponseObject> = Object.fromEntries(
  [408, 417, 431, 500].map((status) => [
    status,
    { description: '', content: { 'application/json': errorMedia() } },
  ]),
);

function errorMedia(): MediaType {
  return { schema: { $ref: '#/components/schemas/Error' } };
}

/** What is wrong with the value, by a validator that knows nothing of how the document was made. */
export function problemsOf(schema: Schema, value: unknown): string[] {
  let validator = validators.get(schema);
  if (!validator) {
    const root = { ...closed(schema), components: { schemas: closedShapes } };
    validator = JsonSchema.Compile(root as object); // a JSON Schema, which the type cannot know
    validators.set(schema, validator);
  }
  if (validator.Check(value)) return [];
  return validator.Errors(value)[1].map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const validators = new Map<Schema, JsonSchema.Validator>();
const closedShapes = Object.fromEntries(
  Object.entries(contract.components.schemas).map(([name, schema]) => [name, closed(schema)]),
);

/** The same schema, without room for fields that it does not name. */
function closed(schema: Schema): Schema {
  const { properties, items, anyOf } = schema;
  return {
    ...schema,
    ...(items ? { items: closed(items) } : {}),
    ...(anyOf ? { anyOf: anyOf.map(closed) } : {}),
    ...(properties
      ? {
          additionalProperties: schema.additionalProperties ?? false,
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, field]) => [name, closed(field)]),
          ),
        }
      : {}),
  };
}

/** The operation that a request means; null: none of the document's. */
export function findOperation(
  method: string,
  path: string,
): { template: string; operation: OperationObject } | null {
  const plainPath = path.split('?', 1)[0] ?? '';
  // An address that cannot be decoded names nothing.
  if (path.startsWith(agentPath) || /%(?![0-9a-f]{2})/i.test(plainPath)) return null;
  // Nor does one with a word that is longer than the server takes.
  if (plainPath.split('/').some((word) => decodeURIComponent(word).length > 500)) return null;
  const plain = plainPath.replace(/(.)\/$/, '$1');
  const templates = Object.keys((contract satisfies OpenApiDocument).paths)
    .filter((template) => pattern(template).test(plain))
    .sort((one, other) => one.split('{').length - other.split('{').length); // words before parameters
  for (const template of templates) {
    const operation = contract.paths[template]?.[method.toLowerCase()];
    if (operation) return { template, operation };
  }
  return null;
}

function pattern(template: string): RegExp {
  return new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]*')}$`);
}

/** Those that are on every such answer: the next page's only where there is one, the range only where pages are counted. */
function requiredHeaders(
  { headers = {} }: ResponseObject,
  asked: { status: number; path: string },
): string[] {
  return Object.keys(headers).filter((name) => {
    if (name === 'X-Next-Cursor') return false;
    if (name === 'Link') return asked.status >= 400;
    return name !== 'X-Collection-Range' || !/[?&]cursor=[^&]/.test(asked.path);
  });
}

function assertHeader(name: string, value: string | null, what: string): void {
  const { schema } = contract.components.headers[name] ?? {};
  assert.ok(schema && value !== null, `${what}: ${name} is missing`);
  assert.deepEqual(
    problemsOf(schema, schema.type === 'integer' ? Number(value) : value),
    [],
    `${what}: ${name}`,
  );
}
