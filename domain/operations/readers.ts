import {
  MadeReaderAnswer,
  ReaderAnswer,
  ReaderCodeAnswer,
  TabletAnswer,
  TabletDecisionAnswer,
  TabletNonceAnswer,
} from '../schemas/answers/readers.ts';
import {
  NewReader,
  ReaderChange,
  ReaderEnrollment,
  ReaderNonceRequest,
  ReaderPresentation,
  ReaderQuery,
} from '../schemas/readers.ts';
import { file, list, nothing, type OperationDescription, record } from './operation.ts';

/* What reads codes at the doors, and the page that makes a tablet such a reader. */

const tag = 'Readers';
const page = "A tablet's page";
const signature =
  'cGVyaGFwcyBhIHNpZ25hdHVyZSwgcGVyaGFwcyBub3QsIGJ1dCBvZiBzaXh0eS1mb3VyIGJ5dGVzLCB3aGljaCBpcyBlbm91Z2g';
const coordinate = 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU';

export const readerOperations = {
  'readers.list': {
    tag,
    summary: 'List readers',
    description:
      'Those that agents have said they have (`agent`), and tablets that were made readers here (`tablet`).',
    query: ReaderQuery,
    answer: list(ReaderAnswer),
  },
  'readers.create': {
    tag,
    summary: 'Make a tablet a reader',
    description:
      'Makes a reader of the door, and a code that enrolls a tablet as this reader: open the answered `enrollment_url` on the tablet ' +
      'within ten minutes, or type the `enrollment_code` there. It works once, and is shown this once.',
    body: { noun: 'reader', schema: NewReader, example: { name: 'Lobby tablet', lock_id: 5 } },
    answer: record(MadeReaderAnswer),
  },
  'readers.show': {
    tag,
    summary: 'Show a reader',
    description: 'One reader, and when it was last heard of.',
    answer: record(ReaderAnswer),
  },
  'readers.change': {
    tag,
    summary: 'Change a reader',
    description: "Gives a tablet another name. An agent's readers are named in the agent's own file.",
    body: { noun: 'reader', schema: ReaderChange, example: { name: 'Lobby, left' } },
    answer: nothing,
    errors: ['conflict'],
  },
  'readers.remove': {
    tag,
    summary: 'Remove a reader',
    description: 'Its tablet is recognised no more: what it presents opens nothing.',
    answer: nothing,
    errors: ['conflict'],
  },
  'readers.create_enrollment_code': {
    tag,
    summary: 'Make a new code for a tablet',
    description:
      'Enrolls another tablet, or the same one again. Codes from before end at once; the tablet that is enrolled stays so ' +
      'until the new code is used.',
    answer: record(ReaderCodeAnswer),
    errors: ['conflict'],
  },

  'tablet.show': {
    tag: page,
    summary: 'Load the page of a tablet',
    description:
      'The same page for every tablet: it reads its code from its own address, in the browser. Loading it changes nothing.',
    answer: file('text/html'),
  },
  'tablet.enroll': {
    tag: page,
    summary: 'Enroll a tablet',
    description:
      'By a code that works once. The key is one that the page has made and cannot take out of the browser; `proof` is its ' +
      'signature, so that nobody enrolls a key that is not theirs.',
    body: {
      schema: ReaderEnrollment,
      example: {
        code: '6Q0T-ZK3M-V9X2-D7NB',
        public_key: { kty: 'EC', crv: 'P-256', x: coordinate, y: coordinate },
        proof: signature.slice(0, 86),
      },
    },
    answer: record(TabletAnswer),
    errors: ['enrollment_code_over'],
  },
  'tablet.begin_presentation': {
    tag: page,
    summary: 'Get the nonce of the next presentation',
    description:
      'Good for one presentation within a minute. The page asks for one all the time, and so learns that the line is there.',
    body: {
      schema: ReaderNonceRequest,
      example: { reader_id: 6, signature: signature.slice(0, 86) },
    },
    answer: record(TabletNonceAnswer),
    errors: ['reader_not_enrolled'],
  },
  'tablet.present': {
    tag: page,
    summary: 'Present what the camera has read',
    description:
      'Decides, and unlocks the door if the answer is yes: as for the readers of an agent. The signature is over the nonce, ' +
      'the reader and SHA-256 of the text; the nonce is used up with the decision.',
    body: {
      schema: ReaderPresentation,
      example: {
        reader_id: 6,
        nonce: 'q7Xh0m3yQ2aTnJ5sV1k8rA',
        text: 'PSN1:6BFOXN%TSMAHN-HWWK2RL99TEZP3Z9M52U…',
        signature: signature.slice(0, 86),
      },
    },
    answer: record(TabletDecisionAnswer),
    errors: ['reader_not_enrolled', 'presentation_over', 'not_found'],
  },
} as const satisfies Record<string, OperationDescription>;
