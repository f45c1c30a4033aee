import { readerNonceMsMax } from '../../domain/reader-protocol.ts';
import { ReaderEnrollment, ReaderNonceRequest, ReaderPresentation } from '../../domain/schemas/readers.ts';
import type { Context } from '../context.ts';
import type { AnyoneRequest } from '../http/handlers.ts';
import { pagePolicy, permissionsWithCamera } from '../http/headers.ts';
import { type PageFiles, sendFile } from '../http/page-files.ts';
import { objectParser } from '../http/parse.ts';
import type { Presentations } from '../unlocks/presentations.ts';
import type { Tablet } from './store.ts';
import { beginPresentation, decideAtTablet, enrollTablet } from './tablets.ts';

const parseEnrollment = objectParser(ReaderEnrollment);
const parseNonceRequest = objectParser(ReaderNonceRequest);
const parsePresentation = objectParser(ReaderPresentation);

/** The one page that may use a camera. */
export function showTabletPage(files: PageFiles, request: AnyoneRequest): Buffer {
  request.reply
    .header('content-security-policy', pagePolicy)
    .header('permissions-policy', permissionsWithCamera);
  return sendFile(files.reader, request);
}

export async function enrollTabletFromBody(context: Context, { body }: AnyoneRequest) {
  return tabletAnswer(await enrollTablet(context, parseEnrollment(body)));
}

export async function beginPresentationFromBody(context: Context, { body }: AnyoneRequest) {
  const { tablet, nonce } = await beginPresentation(context, parseNonceRequest(body));
  return { ...tabletAnswer(tablet), nonce, nonce_ms_max: readerNonceMsMax };
}

export async function presentFromBody(
  context: Context,
  presentations: Presentations,
  { body }: AnyoneRequest,
) {
  return decideAtTablet(context, presentations, parsePresentation(body));
}

function tabletAnswer({ id, name, door_id, door_name, place_name, organization_name }: Tablet) {
  return {
    reader_id: id,
    name,
    lock: { id: door_id, name: door_name },
    place: { name: place_name },
    organization: { name: organization_name },
  };
}
