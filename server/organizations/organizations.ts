import { type Selectable, sql } from 'kysely';
import type { Static } from 'typebox';
import { invalidField, PosternError } from '../../domain/errors.ts';
import { fold } from '../../domain/fold.ts';
import type { OrganizationChange } from '../../domain/schemas/organizations.ts';
import type { Context, LoginCaller } from '../context.ts';
import { only } from '../database/database.ts';
import type { Tables } from '../database/tables.ts';
import { causedBy, recordEvent } from '../events/events.ts';
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
          confirmed_at: person.password_hash === null ? null : at,
          folded: fold(person.name, person.email),
          email_folded: fold(person.email),
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

export type Organization = Selectable<Tables['organizations']> & {
  places_count: number;
  owner_id: number | null;
};

export async function showOrganization(context: Context, id: number): Promise<Organization> {
  const row = await context.database
    .of(id)
    .read.query.selectFrom('organizations')
    .selectAll()
    .select([
      sql<number>`(select count(*) from places where organization_id = ${id} and deleted_at is null)`.as(
        'places_count',
      ),
      sql<number | null>`(select min(id) from members
        where organization_id = ${id} and role = 'owner' and deleted_at is null)`.as('owner_id'),
    ])
    .where('id', '=', id)
    .executeTakeFirst();
  if (!row) throw new PosternError('not_found');
  return row;
}

/** Changes the caller's own organization. What links are issued from now on is measured by it, no earlier one. */
export async function changeOrganization(
  context: Context,
  caller: LoginCaller,
  change: Static<typeof OrganizationChange>,
): Promise<void> {
  const { organization_id: id } = caller;
  const at = context.clock.now();
  await context.database.of(id).transaction(async (tx) => {
    const row = await tx.query
      .updateTable('organizations')
      .set({ ...change, updated_at: at })
      .where('id', '=', id)
      .returning(['name', 'default_validity_s', 'validity_s_max'])
      .executeTakeFirst();
    const { name, default_validity_s, validity_s_max } = only(row);
    if (default_validity_s > validity_s_max) {
      throw invalidField(
        change.validity_s_max === undefined ? 'default_validity_s' : 'validity_s_max',
        `must leave default_validity_s (${default_validity_s}) at most validity_s_max (${validity_s_max})`,
      );
    }
    await recordEvent(context, tx, {
      ...causedBy(caller),
      type: 'organization.update',
      at,
      object: { type: 'Organization', id, name },
      message: `${caller.member_name} changed the organization ${name}`,
    });
  });
}
