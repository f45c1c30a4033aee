import type { CallerKind, endpoints, Operation } from '../domain/endpoints.ts';
import { PosternError } from '../domain/errors.ts';
import type { AnyoneCaller, Context, LinkCaller, LoginCaller } from './context.ts';
import { changeDoor, createDoor, listDoors, removeDoor, showDoor } from './doors/routes.ts';
import { listEvents } from './events/routes.ts';
import {
  createGroupDoor,
  listGroupDoors,
  removeGroupDoor,
  showGroupDoor,
} from './groups/group-doors-routes.ts';
import { changeGroup, createGroup, listGroups, removeGroup, showGroup } from './groups/routes.ts';
import type { Request } from './http/handlers.ts';
import type { PageFiles } from './links/page-files.ts';
import { openSession, showLinkOfPage, showPage, showPageAsset } from './links/page-routes.ts';
import {
  changeLinkById,
  createLinkFromBody,
  listLinks,
  revokeLinkById,
  showLinkById,
  showOwnLink,
  showQrPng,
  showQrSvg,
} from './links/routes.ts';
import { changePlace, createPlace, listPlaces, removePlace, showPlace } from './places/routes.ts';
import type { Holds } from './unlocks/holds.ts';
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

/** The URL map's other half: which function answers which operation. Who may call stands in `domain/endpoints.ts`. */
export function createHandlers(parts: { context: Context; files: PageFiles; holds: Holds }): Handlers {
  const { context, files, holds } = parts;
  return {
    'health.show': () => ({ status: 'ok' }),

    'links.create': (request) => createLinkFromBody(context, request),
    'links.list': (request) => listLinks(context, request),
    'links.show': (request) => showLinkById(context, request),
    'links.change': (request) => changeLinkById(context, request),
    'links.revoke': (request) => revokeLinkById(context, request),

    'link.show': (request) => showOwnLink(context, request),
    'link.show_qr_svg': (request) => showQrSvg(context, request),
    'link.show_qr_png': (request) => showQrPng(context, request),

    'doors.list': (request) => listDoors(context, request),
    'doors.create': (request) => createDoor(context, request),
    'doors.show': (request) => showDoor(context, request),
    'doors.change': (request) => changeDoor(context, request),
    'doors.remove': (request) => removeDoor(context, request),
    'doors.unlock': (request) => unlockDoor(context, request),

    'places.list': (request) => listPlaces(context, request),
    'places.create': (request) => createPlace(context, request),
    'places.show': (request) => showPlace(context, request),
    'places.change': (request) => changePlace(context, request),
    'places.remove': (request) => removePlace(context, request),

    'groups.list': (request) => listGroups(context, request),
    'groups.create': (request) => createGroup(context, request),
    'groups.show': (request) => showGroup(context, request),
    'groups.change': (request) => changeGroup(context, request),
    'groups.remove': (request) => removeGroup(context, request),

    'group_doors.list': (request) => listGroupDoors(context, request),
    'group_doors.create': (request) => createGroupDoor(context, request),
    'group_doors.show': (request) => showGroupDoor(context, request),
    'group_doors.remove': (request) => removeGroupDoor(context, request),

    'events.list': (request) => listEvents(context, request),

    'page.show': (request) => showPage(files, request),
    'page.show_asset': (request) => showPageAsset(files, request),
    'page.open_session': (request) => openSession(context, request),
    'page.show_link': (request) => showLinkOfPage(context, request),
    'page.begin_hold': (request) => beginHold(holds, request),
    'page.unlock': (request) => unlockFromPage(context, holds, request),

    // A WebSocket handshake never comes this far: see agents/upgrade.ts.
    'agents.connect': () => {
      throw new PosternError('upgrade_required');
    },
  };
}
