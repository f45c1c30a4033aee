import { denials, errors } from '../../domain/errors.ts';
import { errorExample } from '../../domain/openapi/components.ts';
import { entryOf } from '../../domain/openapi/failures.ts';
import type { Reason } from '../../domain/operations/operation.ts';
import { type Markup, markup, phrase, wholePage } from './markup.ts';
import { operationsThatAnswer } from './reference-page.ts';

/** Every error in one table: the denials, then everything else. */
export function errorsPage(style: string): string {
  const body = markup`<main class="alone">
<p class="back"><a href="/docs">Reference</a></p>
<h1>Errors</h1>
<p>Every error answer is JSON with a <code>reason</code>. Each of them has a page that says what happened and what to do.</p>
<h2>Denials</h2>
<p>A denied unlock is an answer, not a failure: it leaves an event with its reason. They are checked in this order, and the first that applies is given.</p>
${errorTable(Object.keys(denials) as Reason[])}
<h2>Everything else</h2>
${errorTable(Object.keys(errors) as Reason[])}
</main>`;
  return wholePage({ title: 'Errors · Postern', style }, body);
}

/** What one error means, for whoever got it. */
export function errorPage(reason: Reason, style: string): string {
  const { code, status, title, hint } = entryOf(reason);
  const answering = operationsThatAnswer(reason);
  const where = markup`<h2>Where it comes from</h2>
<ul class="plain">${answering.map(({ id, summary }) => markup`<li><a href="/docs#${id}">${summary}</a></li>\n`)}</ul>`;
  const body = markup`<main class="alone">
<p class="back"><a href="/docs">Reference</a> › <a href="/docs/errors">Errors</a></p>
<h1><code>${reason}</code></h1>
<p class="lead">${phrase(title)}</p>
<dl class="facts"><div><dt>Code</dt><dd><code>${code}</code></dd></div><div><dt>HTTP status</dt><dd>${status}</dd></div></dl>
<h2>What to do</h2>
<p>${phrase(hint)}</p>
${reason in denials && markup`<p>This is a denial: it left an event with this reason, and no lock moved.</p>`}
${waits(status) && markup`<p>The header <code>Retry-After</code> says after how many seconds another try makes sense.</p>`}
<h2>Example</h2>
<pre><code>HTTP/1.1 ${status}
content-type: application/json; charset=utf-8
${waits(status) && 'retry-after: 2\n'}
${JSON.stringify(errorExample(reason), null, 2)}</code></pre>
${answering.length > 0 && where}
</main>`;
  return wholePage({ title: `${reason} · Postern`, style }, body);
}

function waits(status: number): boolean {
  return status === 429 || status === 503;
}

function errorTable(reasons: readonly Reason[]): Markup {
  const rows = reasons.map((reason) => {
    const { code, status, title } = entryOf(reason);
    return markup`<div><dt><a href="/docs/errors/${reason}"><code>${reason}</code></a> <span>${status} · <code>${code}</code></span></dt><dd>${phrase(title)}</dd></div>\n`;
  });
  return markup`<dl class="fields">${rows}</dl>`;
}
