import type { FastifyInstance } from 'fastify';
import { PosternError } from '../../domain/errors.ts';

export const bodyBytesMax = 64 * 1024;

/** JSON, and nothing at all where a body is sent empty: programs name a content type for a body they do not have. */
export function readBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    return parseJson(request, String(body), done);
  });
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, undefined);
    return done(new PosternError('unsupported_media_type'));
  });
}
