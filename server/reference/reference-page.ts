import type { Operation } from '../../domain/endpoints.ts';
import { type Chapter, chaptersOf, type Spelled } from '../../domain/openapi/chapters.ts';
import type { OpenApiDocument, OperationObject, ResponseObject } from '../../domain/openapi/document.ts';
import { failuresOf } from '../../domain/openapi/failures.ts';
import { operationId } from '../../domain/openapi.ts';
import type { Reason } from '../../domain/operations/operation.ts';
import { describe, operations } from '../../domain/operations.ts';
import { curlOf } from './curl.ts';
import { fieldList, shapeName } from './fields.ts';
import { type Markup, markup, phrase, prose, wholePage } from './markup.ts';

const names = Object.keys(operations) as Operation[]; // the table's own keys

interface Served {
  publicUrl: string;
  /** Where its style sheet is. */
  style: string;
}

/** The whole reference on one page, so that the browser's own search finds everything. */
export function referencePage(document: OpenApiDocument, { publicUrl, style }: Served): string {
  const { info } = document;
  const chapters = chaptersOf(document);
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
  return names
    .filter((operation) => describe(operation).answer.kind !== 'upgrade')
    .filter((operation) => [...failuresOf(operation).values()].some((reasons) => reasons.includes(reason)))
    .map((operation) => ({ id: operationId(operation), summary: describe(operation).summary }));
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
  const entries = Object.entries(responses);
  const examples = entries
    .flatMap(([, { content = {} }]) => Object.values(content))
    .map(({ example }) => example);
  const example = examples.find((each) => each !== undefined);
  return markup`<h4>Answers</h4>
<dl class="answers">${entries.map(([status, response]) => markup`<div><dt>${status}</dt><dd>${answer(status, response)}</dd></div>\n`)}</dl>
${example !== undefined && markup`<details><summary>Example of the answer</summary><pre><code>${JSON.stringify(example, null, 2)}</code></pre></details>`}`;
}

function answer(status: string, { description, content, headers }: ResponseObject): Markup {
  if (Number(status) >= 400) return markup`${reasonsIn(description)}`;
  const [media] = Object.entries(content ?? {});
  if (!media) return markup`${phrase(description)}`;
  const [type, { schema }] = media;
  const shape = type === 'application/json' && shapeName(schema);
  const words = shape
    ? markup`${schema.type === 'array' && 'An array of '}${shape}`
    : markup`<code>${type}</code>`;
  return markup`${words}${headerWords(headers)}`;
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
