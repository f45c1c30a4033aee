import { Type } from 'typebox';
import { denialReasons } from '../../decide.ts';
import { dates, flag, id, instant, oftenNull, orNull, resourceType, text, word } from './fields.ts';

/* What is answered about readers. */

const readerFields = {
  id: id(6),
  resource_type: resourceType('Reader'),
  name: text('Lobby tablet'),
  kind: { ...word(['agent', 'tablet']), examples: ['tablet'] },
  ...dates,
  lock_id: id(5),
  lock: Type.Object({ id: id(5), name: text('Front door') }),
  agent_id: oftenNull(id(4)),
  enrolled_at: orNull(instant()),
  online: flag(true),
  last_seen_at: orNull(instant()),
};

export const ReaderAnswer = Type.Object(readerFields, { title: 'Reader' });

const enrollmentCode = {
  enrollment_code: text('6Q0T-ZK3M-V9X2-D7NB'),
  enrollment_code_expires_at: instant('2026-12-01T09:10:00.000Z'),
  enrollment_url: text('https://doors.example.org/reader#6Q0T-ZK3M-V9X2-D7NB'),
};

export const ReaderCodeAnswer = Type.Object(enrollmentCode, { title: 'ReaderCode' });

export const MadeReaderAnswer = Type.Object({ ...readerFields, ...enrollmentCode }, { title: 'MadeReader' });

/* What the page of a tablet is answered. */

const tablet = {
  reader_id: id(6),
  name: text('Lobby tablet'),
  lock: Type.Object({ id: id(5), name: text('Front door') }),
  place: Type.Object({ name: text('Harbour House') }),
  organization: Type.Object({ name: text('Harbour Rooms') }),
};

export const TabletAnswer = Type.Object(tablet, { title: 'Tablet' });

export const TabletNonceAnswer = Type.Object(
  { ...tablet, nonce: text('q7Xh0m3yQ2aTnJ5sV1k8rA'), nonce_ms_max: Type.Integer({ examples: [60_000] }) },
  { title: 'TabletNonce' },
);

export const TabletDecisionAnswer = Type.Object(
  {
    granted: flag(true),
    reason: orNull({
      ...word([...denialReasons, 'outcome_unknown', 'lock_failed']),
      examples: [null],
    }),
    message: text('Front door is unlocked.'),
  },
  { title: 'TabletDecision' },
);
