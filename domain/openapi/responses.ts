import type { Operation } from '../endpoints.ts';
import type { Answer, Reason } from '../operations/operation.ts';
import { describe } from '../operations.ts';
import { ErrorAnswer } from '../schemas/answers/errors.ts';
import type { MediaType, ResponseObject } from './document.ts';
import { entryOf, failuresOf } from './failures.ts';
import { exampleOf } from './schema.ts';
import type { Shapes } from './shapes.ts';

/** What an operation may answer, by status. */
export function responsesOf(operation: Operation, shapes: Shapes): Record<string, ResponseObject> {
  const failures = [...failuresOf(operation)].map(([status, reasons]) => [
    String(status),
    failure(status, reasons, shapes),
  ]);
  return { ...success(describe(operation).answer, shapes), ...Object.fromEntries(failures) };
}

const pageHeaders = { 'by offset': ['X-Collection-Range'], 'by cursor': ['X-Next-Cursor', 'Link'] };

function success(answer: Answer, shapes: Shapes): Record<string, ResponseObject> {
  switch (answer.kind) {
    case 'record':
      return { 200: { description: 'It is done: the record.', content: json(answer.schema, shapes) } };
    case 'list': {
      const schema = { type: 'array', items: answer.of };
      const names = answer.pages.flatMap((way) => pageHeaders[way]);
      return {
        200: { description: 'A page of the list.', headers: headersOf(names), content: json(schema, shapes) },
      };
    }
    case 'file': {
      const content = Object.fromEntries(answer.types.map((type) => [type, fileOf(type)]));
      const unchanged = { 304: { description: 'The caller has it already: `If-None-Match` named it.' } };
      return { 200: { description: 'The file.', content }, ...(answer.tagged ? unchanged : {}) };
    }
    case 'nothing':
      return { 204: { description: 'It is done; there is nothing to say about it.' } };
    case 'upgrade':
      return { 101: { description: 'The connection becomes a WebSocket.' } };
  }
}

function failure(status: number, reasons: readonly Reason[], shapes: Shapes): ResponseObject {
  const description = reasons.map((reason) => `\`${reason}\`: ${entryOf(reason).title}`).join('\n\n');
  const more =
    status === 401 ? ['WWW-Authenticate'] : status === 429 || status === 503 ? ['Retry-After'] : [];
  const examples = reasons.map((reason) => [reason, { $ref: `#/components/examples/${reason}` }]);
  const schema = shapes.translate(ErrorAnswer, 'answer');
  const content = { 'application/json': { schema, examples: Object.fromEntries(examples) } };
  return { description, headers: headersOf(['Link', ...more]), content };
}

function json(schema: Parameters<Shapes['translate']>[0], shapes: Shapes): Record<string, MediaType> {
  return {
    'application/json': { schema: shapes.translate(schema, 'answer'), example: exampleOf(schema) },
  };
}

function fileOf(type: string): MediaType {
  return {
    schema:
      type === 'application/json'
        ? { type: 'object' }
        : type.startsWith('image/png')
          ? {}
          : { type: 'string' },
  };
}

function headersOf(names: readonly string[]): Record<string, { $ref: string }> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
