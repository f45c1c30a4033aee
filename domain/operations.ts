import type { Operation } from './endpoints.ts';
import { agentOperations } from './operations/agents.ts';
import { doorOperations } from './operations/doors.ts';
import { eventOperations } from './operations/events.ts';
import { groupOperations } from './operations/groups.ts';
import { linkOperations } from './operations/links.ts';
import { loginOperations } from './operations/logins.ts';
import { memberOperations } from './operations/members.ts';
import type { OperationDescription } from './operations/operation.ts';
import { organizationOperations } from './operations/organizations.ts';
import { pageOperations } from './operations/page.ts';
import { placeOperations } from './operations/places.ts';
import { readerOperations } from './operations/readers.ts';
import { scheduleOperations } from './operations/schedules.ts';
import { serverOperations } from './operations/server.ts';

/**
 * What the reference says of every operation of `domain/endpoints.ts`. An operation without a description does not
 * compile, and neither does a description without an operation.
 */
export const operations = {
  ...linkOperations,
  ...doorOperations,
  ...placeOperations,
  ...groupOperations,
  ...scheduleOperations,
  ...agentOperations,
  ...readerOperations,
  ...eventOperations,
  ...loginOperations,
  ...memberOperations,
  ...organizationOperations,
  ...serverOperations,
  ...pageOperations,
} as const satisfies Record<Operation, OperationDescription>;

/** The description of one operation, without what the table knows more exactly. */
export function describe(operation: Operation): OperationDescription {
  return operations[operation];
}
