import { Type } from 'typebox';
import { DoorOfLinkAnswer } from './doors.ts';
import { count, instant, orNull, text } from './fields.ts';
import { linkView } from './links.ts';

/* What the visitor's page is answered. */

export const PageLinkAnswer = Type.Object(
  {
    ...linkView,
    pass: orNull(text('PSN1:6BFOXN%TSMAHN-HWWK2RL99TEZP3Z9M52U…')),
    locks: Type.Array(DoorOfLinkAnswer),
  },
  { title: 'PageLink' },
);

export const HoldAnswer = Type.Object(
  { nonce: text('q7Xh0m3yQ2aTnJ5sV1k8rA'), hold_ms_min: count(600), hold_ms_max: count(30_000) },
  { title: 'Hold' },
);

export const PageUnlockedAnswer = Type.Object(
  { message: Type.Literal('Unlocked!'), unlocked_until: instant('2026-12-02T09:30:05.000Z') },
  { title: 'PageUnlocked' },
);
