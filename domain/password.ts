import { fold } from './fold.ts';

/** How many characters a new password has: length is what makes one hard to guess. */
export const passwordLengthMin = 10;
export const passwordLengthMax = 200;

/** What stands beside a password and would be tried first. */
export interface PasswordSurroundings {
  email: string;
  name: string;
  organization_name: string;
  domain: string;
}

/**
 * What a new password has to be instead, or null when it will do. It must be none of the names that everybody knows:
 * the member's address or name, the organization's name or domain, in whatever case.
 */
export function passwordProblem(password: string, surroundings: PasswordSurroundings): string | null {
  const { email, name, organization_name, domain } = surroundings;
  const names = [email, email.slice(0, email.lastIndexOf('@')), name, organization_name, domain];
  if (!names.map((each) => fold(each)).includes(fold(password))) return null;
  return 'must be another than the e-mail address, the name, or the name or domain of the organization';
}
