import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    /** Resolves when no request that has arrived whole waits for its answer. */
    answered(): Promise<void>;
  }
}

/** Counts from the moment a request is there whole until its answer has left. */
export function countUnanswered(app: FastifyInstance): void {
  const unanswered = new Set<FastifyRequest>();
  let whenNone = () => {};
  const forget = (request: FastifyRequest) => {
    unanswered.delete(request);
    if (unanswered.size === 0) whenNone();
  };
  app.addHook('preHandler', (request, _reply, done) => {
    if (!isEndless(request)) unanswered.add(request);
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    forget(request);
    done();
  });
  app.addHook('onRequestAbort', (request, done) => {
    forget(request);
    done();
  });
  app.decorate('answered', () => {
    if (unanswered.size === 0) return Promise.resolve();
    return new Promise<void>((resolve) => {
      whenNone = resolve;
    });
  });
}

function isEndless(request: FastifyRequest): boolean {
  const { config } = request.routeOptions;
  return 'endless' in config && config.endless === true;
}
