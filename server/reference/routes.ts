import { PosternError } from '../../domain/errors.ts';
import { sendServedFile } from '../http/files.ts';
import type { AnyoneRequest } from '../http/handlers.ts';
import { referencePolicy } from '../http/headers.ts';
import type { Reference } from './reference.ts';

/** Another version of the server says something else: kept for minutes, and asked for again by its tag. */
const forMinutes = 'public, max-age=300';
const forEver = 'public, max-age=31536000, immutable';

export function showDocument(reference: Reference, request: AnyoneRequest) {
  // Tools in browsers read it from their own origin; it holds nothing that is not for everybody.
  request.reply.headers({
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
  });
  return sendServedFile(reference.document(), request, forMinutes);
}

export function showReference(reference: Reference, request: AnyoneRequest) {
  request.reply.header('content-security-policy', referencePolicy);
  return sendServedFile(reference.page(), request, forMinutes);
}

export function showErrors(reference: Reference, request: AnyoneRequest) {
  request.reply.header('content-security-policy', referencePolicy);
  return sendServedFile(reference.errors(), request, forMinutes);
}

/** By its reason or its code. */
export function showError(reference: Reference, request: AnyoneRequest) {
  const page = reference.error(request.params.name ?? '');
  if (!page) throw new PosternError('not_found');
  request.reply.header('content-security-policy', referencePolicy);
  return sendServedFile(page, request, forMinutes);
}

export function showReferenceStyle(reference: Reference, request: AnyoneRequest) {
  const { name, file } = reference.style;
  if (request.params.name !== name) throw new PosternError('not_found');
  return sendServedFile(file, request, forEver);
}
