import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnyoneCaller, Caller, LinkCaller, LoginCaller } from '../context.ts';

/** What a handler gets: the caller is known, nothing else has been looked at. */
export interface Request<Who extends Caller = Caller> {
  caller: Who;
  params: Record<string, string>;
  query: unknown;
  body: unknown;
  headers: FastifyRequest['headers'];
  reply: FastifyReply;
}

export type LoginRequest = Request<LoginCaller>;
export type LinkRequest = Request<LinkCaller>;
export type AnyoneRequest = Request<AnyoneCaller>;
