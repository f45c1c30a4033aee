import { HealthAnswer, ReadinessAnswer } from '../schemas/answers/server.ts';
import { file, type OperationDescription, record, taggedFile } from './operation.ts';

/* The server itself, its reference, and where agents connect. */

export const serverOperations = {
  'health.show': {
    tag: 'Server',
    summary: 'Ask whether the process answers',
    description: 'For whatever restarts the process: it says nothing about the database or the doors.',
    answer: record(HealthAnswer),
  },
  'health.show_readiness': {
    tag: 'Server',
    summary: 'Ask whether requests should be sent here',
    description:
      'For a load balancer: 200 when the process can reach its database, 503 when it cannot. With a key of the scope ' +
      '`installation:read` the answer says more.',
    answer: record(ReadinessAnswer),
    errors: ['unavailable'],
  },
  'health.show_metrics': {
    tag: 'Server',
    summary: 'Get the metrics of this process',
    description: 'In the text format of Prometheus. No organization, person or door is named.',
    answer: file('text/plain'),
  },
  'reference.show_document': {
    tag: 'Server',
    summary: 'Get this description as an OpenAPI document',
    description: 'OpenAPI 3.1. It is made from the tables that the server itself works by.',
    answer: taggedFile('application/json'),
  },
  'reference.show_page': {
    tag: 'Server',
    summary: 'Read this reference',
    description: 'The same as a page for people: one page, no script, nothing loaded from elsewhere.',
    answer: taggedFile('text/html'),
  },
  'reference.show_style': {
    tag: 'Server',
    summary: 'Load the style sheet of the reference',
    description: 'Named by its content, so that it can be kept for ever.',
    answer: taggedFile('text/css'),
    errors: ['not_found'],
  },
  'reference.list_errors': {
    tag: 'Server',
    summary: 'Read about all errors',
    description: 'Every `reason` that an answer can give, with its code, and a page of its own for each.',
    answer: taggedFile('text/html'),
  },
  'reference.show_error': {
    tag: 'Server',
    summary: 'Read about one error',
    description:
      'What happened, what to do, and an example of the answer. `name` is the `reason` or the six characters of `code`. ' +
      'The `Link` header of every error answer names its page.',
    answer: taggedFile('text/html'),
    errors: ['not_found'],
  },
  'lan.show_authority': {
    tag: 'Server',
    summary: 'Get the certificate that phones must trust',
    description:
      'While the demo runs with `--lan`: the certificate of the small authority that signed its own. Otherwise there is none.',
    answer: file('application/x-x509-ca-cert'),
    errors: ['not_found'],
  },
  'agents.connect': {
    tag: 'Server',
    summary: 'Connect an agent',
    description:
      'A WebSocket of the subprotocol `postern.agent.v1`, opened by the agent and signed by both sides.',
    answer: { kind: 'upgrade' },
  },
} as const satisfies Record<string, OperationDescription>;
