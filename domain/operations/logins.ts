import { Type } from 'typebox';
import { LoginAnswer, NewLoginAnswer } from '../schemas/answers/logins.ts';
import { Credentials, LoginChange, LoginQuery, NewLogin } from '../schemas/logins.ts';
import { list, nothing, type OperationDescription, record } from './operation.ts';

/* Signing in, and API keys. */

const tag = 'Logins';

export const loginOperations = {
  'logins.create': {
    tag,
    summary: 'Sign in, or make an API key',
    description:
      "With a member's `email` and `password` in `user`, and the `domain` of the organization where the address belongs to " +
      'several: a session, good for 30 days. Whatever is wrong with them, the answer is the same.\n\n' +
      'With the `type` `api`: an API key of the organization, made by whoever sends a password along or a login with the scope ' +
      '`logins:write`. It may do what its `scopes` say, and never more than its maker; without `scopes`, as much.\n\n' +
      'The `secret` is shown this once.',
    body: {
      schema: Type.Object({ login: Type.Optional(NewLogin), user: Type.Optional(Credentials) }),
      example: {
        login: { type: 'device' },
        user: { domain: 'harbour-house', email: 'ada@example.org', password: 'correct horse battery' },
      },
    },
    answer: record(NewLoginAnswer),
    errors: ['unauthorized', 'sign_in_failed', 'missing_scope', 'too_many_requests', 'limit_reached', 'busy'],
  },
  'logins.list': {
    tag,
    summary: 'List logins',
    description:
      "One's own sessions and, for a login with the scope `logins:read`, the organization's API keys. What has ended is gone.",
    query: LoginQuery,
    answer: list(LoginAnswer),
  },
  'logins.show': {
    tag,
    summary: 'Show a login',
    description: 'One of those in the list.',
    answer: record(LoginAnswer),
  },
  'logins.end': {
    tag,
    summary: 'End a login',
    description: 'From the next request on it is unknown. Ending an API key needs the scope `logins:write`.',
    answer: nothing,
    errors: ['missing_scope'],
  },
  'login.show': {
    tag,
    summary: 'Show the login of this request',
    description: 'The API key, or the session.',
    answer: record(LoginAnswer),
  },
  'login.change': {
    tag,
    summary: 'Rename the login of this request',
    description: 'An API key needs the scope `logins:write` to give itself another name.',
    body: { noun: 'login', schema: LoginChange, example: { name: 'The laptop at reception' } },
    answer: nothing,
    errors: ['missing_scope'],
  },
  'login.end': {
    tag,
    summary: 'Sign out',
    description: 'Ends the login of this request, be it a session or an API key.',
    answer: nothing,
    errors: ['not_found'],
  },
  'login.end_elsewhere': {
    tag,
    summary: 'Sign out everywhere else',
    description: "Ends all of the member's sessions but this one.",
    answer: nothing,
    errors: ['not_permitted'],
  },
} as const satisfies Record<string, OperationDescription>;
