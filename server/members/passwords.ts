import { invalidField } from '../../domain/errors.ts';
import { passwordProblem } from '../../domain/password.ts';
import { type Connection, only } from '../database/database.ts';

/** Throws `invalid` when the new password is a name that stands beside it. Its length the schema has checked. */
export async function requireGoodPassword(
  connection: Connection,
  member: { organization_id: number; email: string; name: string },
  password: string,
): Promise<void> {
  const { name: organization_name, domain } = only(
    await connection.query
      .selectFrom('organizations')
      .select(['name', 'domain'])
      .where('id', '=', member.organization_id)
      .executeTakeFirst(),
  );
  const { email, name } = member;
  const problem = passwordProblem(password, { email, name, organization_name, domain });
  if (problem !== null) throw invalidField('password', problem);
}

/** What programs send beside a new password to have it compared. */
export function requireConfirmation(password: string, confirmation: string | null | undefined): void {
  if (confirmation === null || confirmation === undefined || confirmation === password) return;
  throw invalidField('password_confirmation', 'must be the same as the password');
}
