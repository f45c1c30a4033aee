import type { DenialReason } from '../../domain/decide.ts';
import type { ErrorName } from '../../domain/errors.ts';
import { readPass } from '../../domain/pass.ts';
import type { Context } from '../context.ts';
import { recordEvent } from '../events/events.ts';
import type { Press } from './holds.ts';
import { unlockWithLink } from './unlocks.ts';

/** A text that a reader read at a door, and what the reader is called. The text may be anything: a QR code is hostile input. */
export interface Presentation {
  organization_id: number;
  door_id: number;
  reader: string;
  text: string;
}

/** Where it comes from: from an agent for one of its readers, or from a tablet, which is a reader by itself. */
export type Presented = Presentation & ({ agent_id: number } | { reader_id: number; press: Press });

export interface PresentationResult {
  granted: boolean;
  reason: DenialReason | ErrorName | null;
}

const unreadableIntervalMs = 60_000;

/** Decides presentations, and remembers at which readers junk was noted already. */
export class Presentations {
  readonly #context: Context;
  readonly #unreadableAt = new Map<string, number>();

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Decides a presented text. One that is no pass of this organization is no decision: it is refused as unknown, and
   * one event a minute and door (of a tablet: a minute) says that such things were shown, so that junk cannot fill the log.
   */
  async decide(presentation: Presented): Promise<PresentationResult> {
    const { organization_id, door_id, reader, text } = presentation;
    const askedMs = this.#context.clock.monotonicMs();
    const verify = await this.#context.keys.verifier(organization_id);
    const reading = readPass(text, verify);
    if (!reading.ok || reading.claims.organization_id !== organization_id) {
      this.#context.metrics.countUnlock('credential_unknown');
      await this.#noteUnreadable(presentation);
      return { granted: false, reason: 'credential_unknown' };
    }
    const { link_id, index } = reading.claims;
    const unlock = { door_id, askedMs, method: 'qr', pass: { index }, reader } as const;
    const result = await unlockWithLink(this.#context, {
      ...unlock,
      link: { organization_id, link_id },
      ...('press' in presentation ? { press: presentation.press } : {}),
    });
    return result.opened ? { granted: true, reason: null } : { granted: false, reason: result.reason };
  }

  async #noteUnreadable(presentation: Presented): Promise<void> {
    const { organization_id, door_id, reader } = presentation;
    const [object, key] =
      'agent_id' in presentation
        ? // Not by the reader's name, which the agent chooses freely.
          ([{ type: 'Agent', id: presentation.agent_id }, `${presentation.agent_id} ${door_id}`] as const)
        : ([{ type: 'Reader', id: presentation.reader_id }, `tablet ${presentation.reader_id}`] as const);
    const now = this.#context.clock.monotonicMs();
    const last = this.#unreadableAt.get(key);
    if (last !== undefined && now - last < unreadableIntervalMs) return;
    this.#unreadableAt.set(key, now);
    await this.#context.database.of(organization_id).transaction(async (tx) => {
      await recordEvent(this.#context, tx, {
        organization_id,
        type: 'reader.unreadable',
        at: this.#context.clock.now(),
        actor: null,
        authenticated_by: null,
        object: { ...object, name: reader },
        reader,
        message: `Something that is no pass was shown at ${reader}`,
        reason: 'credential_unknown',
      });
    });
  }
}
