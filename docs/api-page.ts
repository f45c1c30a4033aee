import { type Chapter, chaptersOf, type Spelled } from '../domain/openapi/chapters.ts';
import type { OperationObject, Parameter, ResponseObject } from '../domain/openapi/document.ts';
import type { Schema } from '../domain/openapi/schema.ts';
import { openApiDocument } from '../domain/openapi.ts';

/** The reference of the HTTP API as Markdown: what `/docs` of a running server shows. */
export function apiPageLines(): string[] {
  const document = openApiDocument({ publicUrl: 'https://doors.example.org', version: '0' });
  return [
    '',
    ...chaptersOf(document).flatMap(chapter),
    '## Shapes',
    '',
    ...Object.entries(document.components.schemas).flatMap(([name, schema]) => [
      `### ${name}`,
      '',
      ...fieldTable(schema),
      '',
    ]),
  ];
}

export function apiIntroduction(): string {
  const { info } = openApiDocument({ publicUrl: 'https://doors.example.org', version: '0' });
  return `A running server shows this at \`/docs\`, and as an OpenAPI 3.1 document at \`/openapi.json\`.\n\n${info.description}`;
}

function chapter({ name, description, operations }: Chapter): string[] {
  return [`## ${name}`, '', description, '', ...operations.flatMap(operation)];
}

function operation({ method, path, object, others }: Spelled): string[] {
  const { summary, description, parameters = [] } = object;
  const fields = bodyTable(object);
  return [
    `### ${summary}: \`${method} ${path}\``,
    '',
    description,
    '',
    ...others.flatMap((other) => [`The same: \`${other.method} ${other.path}\`.`, '']),
    ...(parameters.length > 0 ? [...parameterTable(parameters), ''] : []),
    ...(fields.length > 0 ? [...fields, ''] : []),
    ...Object.entries(object.responses).map(answerLine),
    '',
  ];
}

function parameterTable(parameters: readonly Parameter[]): string[] {
  const rows = parameters.map(({ name, in: where, required, description, schema }) => {
    const type = `${typeOf(schema)}${required ? '' : ', optional'}`;
    return `| \`${name}\` | ${where} | ${type} | ${cell(description)} |`;
  });
  return ['| parameter | in | type | what it means |', '|---|---|---|---|', ...rows];
}

function bodyTable({ requestBody }: OperationObject): string[] {
  const schema = requestBody?.content['application/json']?.schema;
  if (!schema) return [];
  const [[noun, inner] = []] = Object.entries(schema.properties ?? {});
  const isWrapped = inner?.properties !== undefined && schema.required?.[0] === noun;
  const title = isWrapped ? `In the body, inside \`${noun}\`:` : 'In the body:';
  return [title, '', ...fieldTable(isWrapped && inner ? inner : schema)];
}

function fieldTable(schema: Schema, prefix = ''): string[] {
  const rows = fieldRows(schema, prefix);
  return ['| field | type | what it means |', '|---|---|---|', ...rows];
}

/** Fields of fields by a dotted name. */
function fieldRows({ properties = {}, required = [] }: Schema, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const type = `${typeOf(schema)}${required.includes(name) ? '' : ', optional'}`;
    const inner = schema.properties ? schema : schema.items?.properties ? schema.items : {};
    return [
      `| \`${prefix}${name}\` | ${type} | ${cell(schema.description ?? '')} |`,
      ...fieldRows(inner, `${prefix}${name}${schema.items ? '[]' : ''}.`),
    ];
  });
}

function answerLine([status, { description, content = {} }]: [string, ResponseObject]): string {
  if (Number(status) >= 400) {
    const reasons = [...description.matchAll(/`(\w+)`: /g)].map(
      ([, reason]) => `[\`${reason}\`](errors.md#${reason})`,
    );
    return `- **${status}** ${reasons.join(', ')}`;
  }
  const [[type, media] = []] = Object.entries(content);
  if (!media) return `- **${status}** without a body`;
  const others = Object.keys(content).map((each) => `\`${each}\``);
  return `- **${status}** ${type === 'application/json' ? typeOf(media.schema) : others.join(' or ')}`;
}

function typeOf(schema: Schema): string {
  const name = schema.$ref?.split('/').at(-1);
  if (name) return `[${name}](#${name.toLowerCase()})`;
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.items) return `array of ${typeOf(schema.items)}`;
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((each) => `\`${each}\``).join(', ');
  const types = [schema.type ?? 'anything'].flat();
  return types.map((type) => (type === 'string' ? (schema.format ?? type) : type)).join(' or ');
}

/** A bar would begin another cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
