import { Type } from 'typebox';
import { PosternError } from '../domain/errors.ts';
import { Name } from '../domain/schemas/fields.ts';
import type { Context } from './context.ts';
import { objectParser } from './http/parse.ts';
import { createApiKey } from './logins/logins.ts';
import { createOrganization } from './organizations/organizations.ts';

const parseName = objectParser(Type.Object({ name: Name }));

export interface SetupInput {
  name: string;
  domain: string;
  email: string;
}

/** What an installation begins with. The secrets in it are shown once: the database holds only their hashes. */
export interface SetupResult {
  organization: { id: number; domain: string };
  owner: { email: string; password: string };
  api_key: string;
}

/** Makes the first organization, its owner and an API key. Throws `conflict` when there is an organization already. */
export async function setUp(context: Context, input: SetupInput): Promise<SetupResult> {
  const { name } = parseName({ name: input.name });
  const { domain, email } = input;
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(domain)) {
    throw new PosternError('invalid', {
      message: `The domain ${domain} must be lower-case letters, digits and hyphens.`,
    });
  }
  if (!/^[^\s@]+@[^\s@]+$/.test(email))
    throw new PosternError('invalid', { message: `${email} is not an e-mail address.` });
  const any = await firstOrganization(context);
  if (any) {
    const message = `This installation is set up already, with the organization ${any.domain}. Make another key with \`postern api-keys create\`.`;
    throw new PosternError('conflict', { message });
  }
  const password = Buffer.from(context.random.bytes(15)).toString('base64url');
  const organization = await createOrganization(context, { name, domain, owner: { email, password } });
  const key = await createApiKey(context, { organization_id: organization.id, name: 'First key' });
  return { organization: { id: organization.id, domain }, owner: { email, password }, api_key: key.secret };
}

/** Undefined before the installation is set up: nobody can use it yet. */
export function firstOrganization(context: Context): Promise<{ domain: string } | undefined> {
  return context.database.everywhere.read.query
    .selectFrom('organizations')
    .select('domain')
    .executeTakeFirst();
}
