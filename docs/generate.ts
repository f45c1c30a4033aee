import { readFileSync, writeFileSync } from 'node:fs';
import { type Endpoint, endpoints } from '../domain/endpoints.ts';
import { denials, type ErrorEntry, errors } from '../domain/errors.ts';
import { settingTable } from '../server/config.ts';

/*
 * Writes the reference pages that are made from the code. With `--check` it writes nothing and fails when a page is
 * not what the code says.
 */

const pages: Record<string, () => string> = {
  'reference/settings.md': settingsPage,
  'reference/errors.md': errorsPage,
  'reference/api.md': apiPage,
};

function settingsPage(): string {
  const rows = Object.entries(settingTable).map(
    ([name, setting]) => `| \`${name}\` | ${setting.description} | ${asCode(setting.default)} |`,
  );
  return page(
    'Settings',
    'Every setting is an environment variable. A wrong one stops the start with a sentence that says what to change; ' +
      'so does a name that begins with `POSTERN_` and is not in this table.',
    ['| setting | what it is for | default |', '|---|---|---|', ...rows],
  );
}

function errorsPage(): string {
  const row = ([reason, { code, status, title, hint }]: [string, ErrorEntry]) =>
    `| \`${reason}\` | \`${code}\` | ${status} | ${title} | ${hint} |`;
  const head = ['| `reason` | `code` | status | what happened | what to do |', '|---|---|---|---|---|'];
  return page(
    'Errors',
    'Every error answer is JSON: `code` (six characters, stable), `error` (a sentence), `reason` (the word in this table), ' +
      '`hint` (what to do), and for 422 `errors`: what was expected, by field. 429 and 503 carry `Retry-After` in seconds.',
    [
      '## Denials',
      '',
      'A denied unlock is an answer, not a failure: it leaves an event with its reason. They are checked in this order, and',
      'the first that applies is given.',
      '',
      ...head,
      ...Object.entries(denials).map(row),
      '',
      '## Everything else',
      '',
      ...head,
      ...Object.entries(errors).map(row),
    ],
  );
}

function apiPage(): string {
  const rows = Object.values<Endpoint>(endpoints).map(
    ({ methods, paths, callers }) =>
      `| ${methods.join(', ')} | ${paths.map((path) => `\`${path}\``).join(', ')} | ${callers.join(', ')} |`,
  );
  return page('The HTTP API', apiIntroduction, [
    '| method | path | who may call |',
    '|---|---|---|',
    ...rows,
  ]);
}

const apiIntroduction = `JSON over HTTP. Names, types and shapes are those of Kisi's published API; what is ours is added to them.

Who calls, by the \`Authorization\` header (scheme names in any case):

- **login**: \`KISI-LOGIN <API key>\` or \`Bearer <API key>\`. Keys come from \`postern setup\` and \`postern api-keys create\`.
- **link**: \`KISI-GROUP-LINK <secret>\` or \`KISI-LINK <secret>\`: an access link itself. It reads its own doors and unlocks them.
- **page**: the visitor's page, by its cookie. **agent**: by the signed handshake. **anyone**: no credential.

Bodies wrap their fields in the noun: \`{ "group_link": { "name": "Ada", "group_id": 1 } }\`. POST answers 200 with the record, PATCH
and PUT 204 (a link answers 200 with the link), DELETE 204. Instants are ISO 8601 with a zone; answers are in UTC. Lists are arrays with
\`limit\` (10 by default, 50 for places and locks, 250 at most), \`offset\` and \`X-Collection-Range: start-end/total\`; \`ids\`, \`query\`
and \`sort\` filter and order them. \`GET /events\` is newest first and pages by \`cursor\`, which the answer names in \`X-Next-Cursor\`.
A field or filter that is not known is refused by name. Errors: [errors.md](errors.md).

A link takes, besides Kisi's fields (\`name\`, \`group_id\`, \`email\`, \`phone\`, \`valid_from\`, \`valid_until\`, \`link_enabled\`,
\`quick_response_code_type\`): \`max_uses\` (over page, API and readers together; null: any number), \`metadata\` (an object of texts, for
your own use) and, in a change, \`suspended\`. \`GET /group_links?state=ended\` shows revoked and past ones. The answer to its creation is the only
one that holds \`secret\`, \`url\`, \`quick_response_code_token\` (the QR code's text) and \`quick_response_code_image\` (a PNG in Base64).

With a link's secret, \`GET /locks\` says of each door whether it would open now (\`unlockable\`), why not (\`reason\`) and when
(\`unlockable_at\`), \`GET /group_link\` shows the link's own state, and \`GET /group_link/qr_code.svg\` and \`.png\` (\`?size=\` in pixels) its QR
code. These and the unlock may be called from a page on another origin.

## Operations`;

function page(title: string, introduction: string, lines: string[]): string {
  return `<!-- Made by \`npm run docs\` from the code. Do not edit. -->\n\n# ${title}\n\n${introduction}\n\n${lines.join('\n')}\n`;
}

function asCode(text: string): string {
  return text === 'none' ? 'none' : text.replace(/^\S+/, (word) => `\`${word}\``);
}

function readText(file: URL): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const check = process.argv.includes('--check');
for (const [name, write] of Object.entries(pages)) {
  const file = new URL(name, import.meta.url);
  const text = write();
  if (!check) writeFileSync(file, text);
  else if (readText(file) !== text) {
    console.error(`docs/${name} is not what the code says. Run \`npm run docs\` and commit the result.`);
    process.exitCode = 1;
  }
}
