/** Text that is HTML already: only `markup` makes it, so that nothing reaches a page unescaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | false | undefined | readonly Part[];

/** HTML with what is put in escaped; arrays are joined, and `false` and `undefined` are nothing. */
export function markup(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(texts.map((text, at) => text + rendered(parts[at])).join(''));
}

/** Paragraphs, lists, `code` in backticks and **strong** words: as much of Markdown as our descriptions have. */
export function prose(text: string): Markup[] {
  return text.split('\n\n').map((paragraph) => {
    if (!paragraph.startsWith('- ')) return markup`<p>${phrase(paragraph)}</p>`;
    const items = paragraph.slice(2).split('\n- ');
    return markup`<ul>${items.map((item) => markup`<li>${phrase(item)}</li>`)}</ul>`;
  });
}

/** The same for one line. */
export function phrase(text: string): Markup[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith('`') && part.length > 1) return markup`<code>${part.slice(1, -1)}</code>`;
    if (part.startsWith('**') && part.length > 3) return markup`<strong>${part.slice(2, -2)}</strong>`;
    return markup`${part}`;
  });
}

function rendered(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(rendered).join('');
  return String(part).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A whole page: its own style sheet and nothing else is loaded. */
export function wholePage({ title, style }: { title: string; style: string }, body: Markup): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${style}">
<title>${title}</title>
</head>
<body>
${body}
</body>
</html>
`.text;
}
