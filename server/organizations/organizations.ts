import { PosternError } from '../../domain/errors.ts';
import { fold } from '../../domain/fold.ts';
import type { Context } from '../context.ts';
import { only } from '../database/database.ts';
import { recordEvent } from '../events/events.ts';
import { hashPassword } from '../secrets/passwords.ts';
import { createOrganizationKey } from './keys.ts';

export interface NewOrganization {
  name: string;
  /** The short name by which members sign in. */
  domain: string;
  owner: { email: string; password: string };
}

export interface CreatedOrganization {
  id: number;
  domain: string;
  owner_id: number;
  /** The member that every API key of this organization acts as. */
  service_member_id: number;
}

/** Makes an organization with its pass key, its owner, and the service user behind its API keys. */
export async function createOrganization(
  context: Context,
  input: NewOrganization,
): Promise<CreatedOrganization> {
  const password_hash = await hashPassword(input.owner.password, context.random.bytes(16));
  const at = context.clock.now();
  const times = { created_at: at, updated_at: at };
  return context.database.everywhere.transaction(async (tx) => {
    const { name, domain } = input;
    const taken = await tx.query
      .selectFrom('organizations')
      .select('id')
      .where('domain', '=', domain)
      .executeTakeFirst();
    if (taken)
      throw new PosternError('conflict', {
        message: `There is an organization with the domain ${domain} already.`,
      });
    const organization = await tx.query
      .insertInto('organizations')
      .values({ name, domain, ...times })
      .returning('id')
      .executeTakeFirst();
    const { id } = only(organization);
    await createOrganizationKey(context, tx, id);
    const people = [
      { kind: 'person', role: 'owner', name: 'Owner', email: input.owner.email, password_hash },
      {
        kind: 'service',
        role: 'admin',
        name: `${name} API`,
        email: `api@${domain}.invalid`,
        password_hash: null,
      },
    ] as const;
    const [owner, service] = await tx.query
      .insertInto('members')
      .values(
        people.map((person) => ({
          organization_id: id,
          ...person,
          ...times,
          folded: fold(person.name, person.email),
        })),
      )
      .returning('id')
      .execute();
    await recordEvent(context, tx, {
      organization_id: id,
      type: 'organization.create',
      at,
      actor: null,
      authenticated_by: null,
      object: { type: 'Organization', id, name },
      message: `The organization ${name} was created`,
    });
    return { id, domain, owner_id: only(owner).id, service_member_id: only(service).id };
  });
}
