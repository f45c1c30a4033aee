import type { CallerKind, endpoints, Operation } from '../domain/endpoints.ts';
import { PosternError } from '../domain/errors.ts';
import {
  changeAgentById,
  createAgentFromBody,
  createEnrolmentCode,
  enrollAgentFromBody,
  listAgents,
  removeAgentById,
  showAgent,
} from './agents/routes.ts';
import type { AnyoneCaller, Context, LinkCaller, LoginCaller } from './context.ts';
import {
  cancelLockDownOfDoor,
  changeDoor,
  createDoor,
  listDoors,
  lockDownDoor,
  removeDoor,
  showDoor,
} from './doors/routes.ts';
import {
  createEventSetFromBody,
  listEvents,
  listEventTypes,
  showEventSetById,
  streamEvents,
} from './events/routes.ts';
import {
  createGroupDoor,
  listGroupDoors,
  removeGroupDoor,
  showGroupDoor,
} from './groups/group-doors-routes.ts';
import { changeGroup, createGroup, listGroups, removeGroup, showGroup } from './groups/routes.ts';
import { showHealth, showMetrics, showReadiness } from './health/routes.ts';
import type { Housekeeping } from './housekeeping.ts';
import type { Request } from './http/handlers.ts';
import { showAuthority } from './http/lan.ts';
import type { PageFiles } from './http/page-files.ts';
import type { HostKey } from './installation.ts';
import { openSession, showLinkOfPage, showPage, showPageAsset } from './links/page-routes.ts';
import {
  changeLinkById,
  createLinkFromBody,
  listLinks,
  revealLinkById,
  revokeLinkById,
  showLinkById,
  showOwnLink,
  showQrPng,
  showQrSvg,
} from './links/routes.ts';
import {
  changeOwnLoginFromBody,
  createLogin,
  endLoginById,
  endLoginsElsewhere,
  endOwnLogin,
  listLogins,
  showLoginById,
  showOwnLogin,
} from './logins/routes.ts';
import {
  acceptInvitationFromBody,
  changeMemberById,
  changeOwnUserFromBody,
  createMemberFromBody,
  inviteMember,
  listMembers,
  offerPasswordReset,
  removeMemberById,
  requestPasswordReset,
  resetPasswordAsKisi,
  resetPasswordFromBody,
  showMemberById,
  showOwnUserWithRights,
} from './members/routes.ts';
import { changeOwnOrganization, listOrganizations, showOwnOrganization } from './organizations/routes.ts';
import {
  cancelLockDownOfPlace,
  changePlace,
  createPlace,
  listPlaces,
  lockDownPlace,
  removePlace,
  showPlace,
} from './places/routes.ts';
import {
  beginPresentationFromBody,
  enrollTabletFromBody,
  presentFromBody,
  showTabletPage,
} from './readers/page-routes.ts';
import {
  changeReaderById,
  createReaderFromBody,
  listReaders,
  removeReaderById,
  renewCodeById,
  showReader,
} from './readers/routes.ts';
import type { Reference } from './reference/reference.ts';
import {
  showDocument,
  showError,
  showErrors,
  showReference,
  showReferenceStyle,
} from './reference/routes.ts';
import {
  changeScheduleById,
  createScheduleFromBody,
  listSchedulesOfGroups,
  removeScheduleById,
  showSchedule,
} from './schedules/routes.ts';
import { decideOnly } from './unlocks/decision-routes.ts';
import type { Presentations } from './unlocks/presentations.ts';
import { beginHold, unlockDoor, unlockFromPage } from './unlocks/routes.ts';

interface CallerByKind {
  anyone: AnyoneCaller;
  login: LoginCaller;
  link: LinkCaller;
  page: LinkCaller;
  agent: AnyoneCaller;
}

type CallerOf<Name extends Operation> = CallerByKind[(typeof endpoints)[Name]['callers'][number] &
  CallerKind];

/** A handler for every operation of `domain/endpoints.ts`; a missing one does not compile. */
export type Handlers = { [Name in Operation]: (request: Request<CallerOf<Name>>) => unknown };

/**
 * The URL map's other half: which function answers which operation. Who may call stands in `domain/endpoints.ts`. It is
 * made anew over the context of each request that has an Idempotency-Key: what must last is in `parts`.
 */
export function createHandlers(parts: {
  context: Context;
  files: PageFiles;
  presentations: Presentations;
  reference: Reference;
  housekeeping: Housekeeping;
  hostKey: HostKey;
  /** With `--lan` only: the certificate that phones must trust. */
  authority?: string | undefined;
}): Handlers {
  const { context, files, presentations, reference, housekeeping, hostKey } = parts;
  return {
    'health.show': () => showHealth(),
    'health.show_readiness': (request) => showReadiness(context, housekeeping, request),
    'health.show_metrics': (request) => showMetrics(context, request),

    'reference.show_document': (request) => showDocument(reference, request),
    'reference.show_page': (request) => showReference(reference, request),
    'reference.show_style': (request) => showReferenceStyle(reference, request),
    'reference.list_errors': (request) => showErrors(reference, request),
    'reference.show_error': (request) => showError(reference, request),

    'links.create': (request) => createLinkFromBody(context, request),
    'links.list': (request) => listLinks(context, request),
    'links.show': (request) => showLinkById(context, request),
    'links.change': (request) => changeLinkById(context, request),
    'links.revoke': (request) => revokeLinkById(context, request),
    'links.reveal': (request) => revealLinkById(context, request),

    'link.show': (request) => showOwnLink(context, request),
    'link.show_qr_svg': (request) => showQrSvg(context, request),
    'link.show_qr_png': (request) => showQrPng(context, request),

    'doors.list': (request) => listDoors(context, request),
    'doors.create': (request) => createDoor(context, request),
    'doors.show': (request) => showDoor(context, request),
    'doors.change': (request) => changeDoor(context, request),
    'doors.remove': (request) => removeDoor(context, request),
    'doors.unlock': (request) => unlockDoor(context, request),

    'doors.lock_down': (request) => lockDownDoor(context, request),
    'doors.cancel_lockdown': (request) => cancelLockDownOfDoor(context, request),
    'doors.decide': (request) => decideOnly(context, request),

    'places.list': (request) => listPlaces(context, request),
    'places.create': (request) => createPlace(context, request),
    'places.show': (request) => showPlace(context, request),
    'places.change': (request) => changePlace(context, request),
    'places.remove': (request) => removePlace(context, request),
    'places.lock_down': (request) => lockDownPlace(context, request),
    'places.cancel_lockdown': (request) => cancelLockDownOfPlace(context, request),

    'groups.list': (request) => listGroups(context, request),
    'groups.create': (request) => createGroup(context, request),
    'groups.show': (request) => showGroup(context, request),
    'groups.change': (request) => changeGroup(context, request),
    'groups.remove': (request) => removeGroup(context, request),

    'group_doors.list': (request) => listGroupDoors(context, request),
    'group_doors.create': (request) => createGroupDoor(context, request),
    'group_doors.show': (request) => showGroupDoor(context, request),
    'group_doors.remove': (request) => removeGroupDoor(context, request),

    'schedules.list': (request) => listSchedulesOfGroups(context, request),
    'schedules.create': (request) => createScheduleFromBody(context, request),
    'schedules.show': (request) => showSchedule(context, request),
    'schedules.change': (request) => changeScheduleById(context, request),
    'schedules.remove': (request) => removeScheduleById(context, request),

    'events.list': (request) => listEvents(context, request),
    'events.list_types': () => listEventTypes(),
    'events.stream': (request) => streamEvents(context, request),
    'event_sets.create': (request) => createEventSetFromBody(context, request),
    'event_sets.show': (request) => showEventSetById(context, request),

    'logins.create': (request) => createLogin(context, request),
    'logins.list': (request) => listLogins(context, request),
    'logins.show': (request) => showLoginById(context, request),
    'logins.end': (request) => endLoginById(context, request),

    'login.show': (request) => showOwnLogin(context, request),
    'login.change': (request) => changeOwnLoginFromBody(context, request),
    'login.end': (request) => endOwnLogin(context, request),
    'login.end_elsewhere': (request) => endLoginsElsewhere(context, request),

    'user.show': (request) => showOwnUserWithRights(context, request),
    'user.change': (request) => changeOwnUserFromBody(context, request),

    'users.list': (request) => listMembers(context, 'user', request),
    'users.create': (request) => createMemberFromBody(context, 'user', request),
    'users.show': (request) => showMemberById(context, 'user', request),
    'users.change': (request) => changeMemberById(context, 'user', request),
    'users.remove': (request) => removeMemberById(context, request),

    'members.list': (request) => listMembers(context, 'member', request),
    'members.create': (request) => createMemberFromBody(context, 'member', request),
    'members.show': (request) => showMemberById(context, 'member', request),
    'members.change': (request) => changeMemberById(context, 'member', request),
    'members.remove': (request) => removeMemberById(context, request),

    'invitations.create': (request) => inviteMember(context, request),
    'invitations.accept': (request) => acceptInvitationFromBody(context, request),

    'password_resets.create': (request) => offerPasswordReset(context, request),
    'passwords.reset': (request) => resetPasswordFromBody(context, request),
    'users.request_password_reset': (request) => requestPasswordReset(request),
    'users.reset_password': (request) => resetPasswordAsKisi(context, request),

    'organizations.list': (request) => listOrganizations(context, request),
    'organizations.show': (request) => showOwnOrganization(context, request),
    'organizations.change': (request) => changeOwnOrganization(context, request),

    'readers.list': (request) => listReaders(context, request),
    'readers.create': (request) => createReaderFromBody(context, request),
    'readers.show': (request) => showReader(context, request),
    'readers.change': (request) => changeReaderById(context, request),
    'readers.remove': (request) => removeReaderById(context, request),
    'readers.create_enrollment_code': (request) => renewCodeById(context, request),

    'tablet.show': (request) => showTabletPage(files, request),
    'tablet.enroll': (request) => enrollTabletFromBody(context, request),
    'tablet.begin_presentation': (request) => beginPresentationFromBody(context, request),
    'tablet.present': (request) => presentFromBody(context, presentations, request),

    'page.show': (request) => showPage(files, request),
    'page.show_asset': (request) => showPageAsset(files, request),
    'page.open_session': (request) => openSession(context, request),
    'page.show_link': (request) => showLinkOfPage(context, request),
    'page.begin_hold': (request) => beginHold(context, request),
    'page.unlock': (request) => unlockFromPage(context, request),

    'lan.show_authority': (request) => showAuthority(parts.authority, request),

    'agents.list': (request) => listAgents(context, request),
    'agents.create': (request) => createAgentFromBody(context, hostKey, request),
    'agents.enroll': (request) => enrollAgentFromBody(context, hostKey, request),
    'agents.create_enrollment_code': (request) => createEnrolmentCode(context, hostKey, request),
    'agents.show': (request) => showAgent(context, request),
    'agents.change': (request) => changeAgentById(context, request),
    'agents.remove': (request) => removeAgentById(context, request),
    // A WebSocket handshake never comes this far: see agents/upgrade.ts.
    'agents.connect': () => {
      throw new PosternError('upgrade_required');
    },
  };
}
