import { addMs, parseInstant } from '../../domain/instants.ts';
import { scopes as allScopes, type Scope } from '../../domain/scopes.ts';
import { parseOptions, printable, UsageError, wholeNumber } from '../command-line.ts';
import type { Context } from '../context.ts';
import { type ApiKey, createApiKey, listApiKeys, revokeApiKey } from './logins.ts';

const dayMs = 24 * 3_600_000;
const text = { type: 'string' } as const;
const options = {
  name: text,
  organization: text,
  scopes: text,
  expires: text,
  json: { type: 'boolean' },
} as const;

type Given = ReturnType<typeof parseOptions<typeof options>>['values'];
/** Opens the installation for some work, and closes it. */
type WithContext = <T>(work: (context: Context) => Promise<T>) => Promise<T>;

/** `postern api-keys create | list | revoke`: answers what is to be printed. */
export async function apiKeysCommand([action, ...args]: string[], withContext: WithContext): Promise<string> {
  const { values, positionals } = parseOptions(args, options, action === 'revoke');
  const show = (found: object, lines: () => string) => (values.json ? `${JSON.stringify(found)}\n` : lines());
  switch (action) {
    case 'create': {
      const made = await withContext((context) => create(context, values));
      return show(made, () => {
        const may = made.scopes === null ? 'may do everything' : `may do ${made.scopes.join(', ')}`;
        return `${made.secret}\n\nKey ${made.id}, "${made.name}", ${may}. Keep it: it is not shown again.\n`;
      });
    }
    case 'list': {
      const { keys, at } = await withContext(async (context) => ({
        keys: await listApiKeys(context),
        at: context.clock.now(),
      }));
      const none = 'There is no API key. Make one: postern api-keys create --name "…"\n';
      return show(keys, () => keys.map((key) => keyLine(key, at)).join('') || none);
    }
    case 'revoke': {
      const id = wholeNumber(positionals[0] ?? '', 'the id of a key');
      const ended = await withContext((context) => revokeApiKey(context, id));
      return show(ended, () => `Key ${ended.id}, "${printable(ended.name)}", is revoked.\n`);
    }
    default:
      throw new UsageError('Say what to do with API keys: create, list or revoke.');
  }
}

function create(context: Context, values: Given) {
  const { name, organization = '1', scopes, expires } = values;
  if (!name) throw new UsageError('Say what the key is for: postern api-keys create --name "Booking system"');
  return createApiKey(context, {
    name,
    organization_id: wholeNumber(organization, '--organization'),
    scopes: scopes === undefined ? null : readScopes(scopes),
    expires_at: expires === undefined ? null : readEnd(expires, context.clock.now()),
  });
}

function readScopes(given: string): Scope[] {
  return given.split(',').map((word) => {
    const scope = allScopes.find((each) => each === word.trim());
    if (!scope) {
      throw new UsageError(
        `--scopes: there is no scope ${JSON.stringify(word)}. The scopes are: ${allScopes.join(', ')}.`,
      );
    }
    return scope;
  });
}

/** An instant, or a number of days from now. */
function readEnd(given: string, at: string): string {
  const days = /^([1-9]\d{0,3})d$/.exec(given)?.[1];
  const end = days === undefined ? parseInstant(given) : addMs(at, Number(days) * dayMs);
  if (end === null) {
    throw new UsageError(
      `--expires must be days such as 90d, or an instant such as 2027-01-01T00:00:00Z; ${JSON.stringify(given)} is neither.`,
    );
  }
  return end;
}

function keyLine(key: ApiKey, at: string): string {
  const { id, name, scopes, created_at } = key;
  const may = scopes === null ? 'everything' : scopes.join(',');
  return `${String(id).padStart(4)}  ${printable(name).padEnd(30)}  made ${created_at}  ${may}  ${state(key, at)}\n`;
}

function state({ revoked_at, expires_at }: ApiKey, at: string): string {
  if (revoked_at !== null) return `revoked ${revoked_at}`;
  if (expires_at === null) return 'active';
  return expires_at <= at ? `ended ${expires_at}` : `active until ${expires_at}`;
}
