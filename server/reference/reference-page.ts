import type { Operation } from '../../domain/endpoints.ts';
import { endpoints } from '../../domain/endpoints.ts';
import type { OpenApiDocument, OperationObject } from '../../domain/openapi/document.ts';
import { failuresOf } from '../../domain/openapi/failures.ts';
import { operationId } from '../../domain/openapi.ts';
import type { Reason } from '../../domain/operations/operation.ts';
import { describe, operations } from '../../domain/operations.ts';
import { curlOf } from './curl.ts';
import { fieldList, shapeName, typeWords } from './fields.ts';
import { type Markup, markup, phrase, prose, wholePage } from './markup.ts';

interface Served {
  publicUrl: string;
  /** Where its style sheet is. */
  style: string;
}

interface Spelled {
  method: string;
  path: string;
  object: OperationObject;
  /** Other methods and paths for the same. */
  others: { method: string; path: string }[];
}

/** The whole reference on one page, so that the browser's own search finds everything. */
export function referencePage(document: OpenApiDocument, { publicUrl, style }: Served): string {
  const { info, tags } = document;
  const chapters = tags.map((tag) => ({ ...tag, operations: operationsOf(document, tag.name) }));
  const body = markup`<a class="skip" href="#top">Skip to the reference</a>
<nav aria-label="Contents"><details class="menu"><summary>Contents</summary>
<p><a href="#top">Postern ${info.version}</a></p>
${chapters.map(navigation)}
<p><a href="#shapes">Shapes</a></p>
<p><a href="/docs/errors">Errors</a></p>
<p><a href="/openapi.json">OpenAPI document</a></p>
</details></nav>
<main>
<h1 id="top">Postern ${info.version}</h1>
${prose(info.description)}
${chapters.map((chapter) => chapterOf(chapter, publicUrl))}
<section><h2 id="shapes">Shapes</h2>
<p>What the answers are made of.</p>
${Object.entries(document.components.schemas).map(
  ([name, schema]) => markup`<article><h3 id="shape-${name}">${name}</h3>
${fieldList(schema)}</article>\n`,
)}
</section>
</main>`;
  return wholePage({ title: 'Postern reference', style }, body);
}

/** Where a reason may be met: for the page of the error. */
export function operationsThatAnswer(reason: Reason): { id: string; summary: string }[] {
  const operations = Object.keys(operations) as Operation[]; // the table's own keys
  return operations
    .filter((operation) => describe(operation).answer.kind !== 'upgrade')
    .filter((operation) => [...failuresOf(operation).values()].some((reasons) => reasons.includes(reason)))
    .map((operation) => ({ id: operationId(operation), summary: describe(operation).summary }));
}

interface Chapter {
  name: string;
  description: string;
  operations: Spelled[];
}

/** The operations of a chapter, each once: other spellings are named beside the first. */
function operationsOf({ paths }: OpenApiDocument, tag: string): Spelled[] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, object]) => ({ method: method.toUpperCase(), path, object })),
  );
  const first = new Set((Object.keys(operations) as Operation[]).map((operation) => operationId(operation)));
  const others = all.filter(({ object }) => !first.has(object.operationId));
  return all
    .filter(({ object }) => object.tags.includes(tag) && first.has(object.operationId))
    .map((spelled) => ({
      ...spelled,
      others: others.filter(({ object }) => object.operationId.startsWith(`${spelled.object.operationId}_`)),
    }));
}

function navigation({ name, operations }: Chapter): Markup {
  const items = operations.map(
    ({ object }) => markup`<li><a href="#${object.operationId}">${object.summary}</a></li>\n`,
  );
  return markup`<p><a href="#${anchor(name)}">${name}</a></p>\n<ul>${items}</ul>\n`;
}

function chapterOf({ name, description, operations }: Chapter, publicUrl: string): Markup {
  return markup`<section><h2 id="${anchor(name)}">${name}</h2>
<p>${phrase(description)}</p>
${operations.map((spelled) => operationArticle(spelled, publicUrl))}</section>\n`;
}

function operationArticle(spelled: Spelled, publicUrl: string): Markup {
  const { object } = spelled;
  const { operationId: id, summary, description, parameters = [] } = object;
  const of = (where: string) => parameters.filter((parameter) => parameter.in === where);
  return markup`<article><h3 id="${id}"><a href="#${id}">${summary}</a></h3>
${address(spelled)}
${spelled.others.map((other) => markup`<p class="who">The same: <b>${other.method}</b> <code>${other.path}</code></p>\n`)}${prose(description)}
${callers(object)}
${parameterList('In the path', of('path'))}
${parameterList('In the query', of('query'))}
${parameterList('In the headers', of('header'))}
${bodyFields(object)}
<h4>Example</h4>
<pre><code>${curlOf(spelled, publicUrl)}</code></pre>
${answers(object)}
</article>\n`;
}

function address({ method, path }: Spelled): Markup {
  return markup`<p class="address"><b class="${method.toLowerCase()}">${method}</b> <code>${path}</code></p>`;
}

const schemes: Record<string, Markup> = {
  login: markup`a login (<code>KISI-LOGIN</code> or <code>Bearer</code>)`,
  group_link: markup`a link (<code>KISI-GROUP-LINK</code>)`,
  page: markup`the visitor's page, by its cookie`,
};

function callers({ security }: OperationObject): Markup {
  const names = [...new Set(security.flatMap((each) => Object.keys(each)))].filter((name) => name in schemes);
  const words = names.map((name, at) => markup`${at > 0 && ', or '}${schemes[name]}`);
  return markup`<p class="who">Who may call: ${names.length > 0 ? words : 'anyone'}.</p>`;
}

function parameterList(
  title: string,
  parameters: NonNullable<OperationObject['parameters']>,
): Markup | false {
  if (parameters.length === 0) return false;
  const properties = Object.fromEntries(
    parameters.map(({ name, description, schema }) => [name, { ...schema, description }]),
  );
  const required = parameters.filter((parameter) => parameter.required).map(({ name }) => name);
  return markup`<h4>${title}</h4>\n${fieldList({ type: 'object', properties, required })}`;
}

function bodyFields({ requestBody }: OperationObject): Markup | false {
  const schema = requestBody?.content['application/json']?.schema;
  if (!schema?.properties) return false;
  const [[noun, inner] = []] = Object.entries(schema.properties);
  const isWrapped = inner?.properties !== undefined && schema.required?.length === 1;
  const title = isWrapped ? markup`In the body, inside <code>${noun}</code>` : markup`In the body`;
  return markup`<h4>${title}${!requestBody?.required && ' (which may be left out)'}</h4>
${fieldList(isWrapped && inner ? inner : schema)}`;
}

function answers({ responses }: OperationObject): Markup {
  const [done, ...failures] = Object.entries(responses);
  const [media] = Object.entries(done?.[1].content ?? {});
  const example = media?.[1].example;
  const isList = media?.[1].schema.type === 'array';
  const shape = media && media[0] === 'application/json' && shapeName(media[1].schema);
  return markup`<h4>Answers</h4>
<dl class="answers"><div><dt>${done?.[0]}</dt><dd>${
    media === undefined ? 'No body.' : shape ? markup`${isList && 'An array of '}${shape}` : typeWords(media)
  }${headerWords(done?.[1].headers)}</dd></div>
${failures.map(([status, { description }]) => markup`<div><dt>${status}</dt><dd>${reasonsIn(description)}</dd></div>\n`)}</dl>
${example !== undefined && markup`<details><summary>Example of the answer</summary><pre><code>${JSON.stringify(example, null, 2)}</code></pre></details>`}`;
}

function headerWords(headers: Record<string, unknown> = {}): Markup | false {
  const names = Object.keys(headers);
  return (
    names.length > 0 &&
    markup`, with ${names.map((name, at) => markup`${at > 0 && ' and '}<code>${name}</code>`)}`
  );
}

/** Each reason leads to its page. */
function reasonsIn(description: string): Markup[] {
  return [...description.matchAll(/`(\w+)`: (.*)/g)].map(
    ([, reason = '', title = '']) =>
      markup`<p><a href="/docs/errors/${reason}"><code>${reason}</code></a> ${phrase(title)}</p>`,
  );
}

function anchor(name: string): string {
  return name.toLowerCase().replace(/[^a-z]+/g, '-');
}
