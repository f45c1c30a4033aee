import { OrganizationAnswer } from '../schemas/answers/organizations.ts';
import { OrganizationChange } from '../schemas/organizations.ts';
import { list, nothing, type OperationDescription, record } from './operation.ts';

/* The organization that a login belongs to. */

const tag = 'Organizations';

export const organizationOperations = {
  'organizations.list': {
    tag,
    summary: 'List organizations',
    description: 'The one that the login belongs to.',
    answer: list(OrganizationAnswer),
  },
  'organizations.show': {
    tag,
    summary: 'Show the organization',
    description: "One's own; any other is not there.",
    answer: record(OrganizationAnswer),
  },
  'organizations.change': {
    tag,
    summary: 'Change the organization',
    description:
      'What access links get where they do not say: how long they are good for, and their kind of QR code. Links that were ' +
      'issued before stay as they are.',
    body: { noun: 'organization', schema: OrganizationChange, example: { default_validity_s: 86_400 } },
    answer: nothing,
  },
} as const satisfies Record<string, OperationDescription>;
