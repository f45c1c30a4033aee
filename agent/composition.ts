import { AgentClock, keptEveryMs } from './clock.ts';
import { Contacts } from './contacts.ts';
import { DoorStates } from './door-states.ts';
import type { KeptFile } from './kept-file.ts';
import type { AgentLog } from './log.ts';
import { Outbox } from './outbox.ts';
import type { LogStore } from './outbox-file.ts';
import { KnownReplica } from './replica.ts';
import { Revocations } from './revocations.ts';
import { UnreadableTexts } from './unreadable.ts';
import { Upkeep } from './upkeep.ts';
import { watchedStore } from './watched-store.ts';

/** What an agent is made of: all of it comes from the outside. */
export interface AgentParts {
  /** A file of this name in the agent's folder. */
  file: (name: string) => KeptFile;
  store: LogStore;
  /** This machine's clock, milliseconds since 1970. */
  systemMs: () => number;
  monotonicMs: () => number;
  after: (ms: number, work: () => void) => () => void;
  /** A UUID of version 7 (RFC 9562). */
  uuid: () => string;
  /** 32 fresh random bytes, base64url. */
  nonce: () => string;
  version: string;
  log: AgentLog;
}

/** What an agent knows and keeps, over sessions and restarts. */
export interface AgentCore {
  doorStates: DoorStates;
  replica: KnownReplica;
  revocations: Revocations;
  clock: AgentClock;
  outbox: Outbox;
  unreadable: UnreadableTexts;
  upkeep: Upkeep;
  contacts: Contacts;
  /** Takes up what the last run left. */
  open(): Promise<void>;
  /** Resolves when all that was to be written is. */
  close(): Promise<void>;
}

/** Puts together what an agent knows. The same for a real one and for one that is simulated. */
export function composeAgent(parts: AgentParts): AgentCore {
  const { file, store, systemMs, monotonicMs, after, uuid, nonce, version, log } = parts;
  const watched = watchedStore(store, {
    onFailure: (error) =>
      log.warn({}, `The log cannot be written, so nobody is let in here: ${error}. Make room on this disk.`),
    onRecovery: () => {
      log.info({}, 'The log can be written again.');
      void outbox.alarm(
        clock.now(),
        'The log could not be written for a while: nobody was let in meanwhile.',
      );
    },
  });
  const outbox: Outbox = new Outbox({ store: watched, wallMs: systemMs, uuid, logId: nonce });
  const onAlarm = (message: string) => {
    log.warn({}, message);
    void outbox.alarm(clock.now(), message);
  };
  const clock: AgentClock = new AgentClock({ systemMs, monotonicMs, file: file('clock.json'), onAlarm });
  const replica = new KnownReplica(file('replica.json'));
  const revocations = new Revocations({
    listFile: file('revocations.json'),
    statementFile: file('statement.json'),
    verify: replica.verifyPass,
    organization_id: () => replica.organization_id,
  });
  const doorStates = new DoorStates(file('door-states.json'));
  const contacts = new Contacts({ outbox, clock, monotonicMs, after });
  let cancelKeeping = () => {};
  let isOpen = false;
  const keepTime = () => {
    if (!isOpen) return;
    cancelKeeping = after(keptEveryMs, () => void clock.keep().then(keepTime));
  };
  const upkeep = new Upkeep({ version, replica, revocations, clock, outbox, contacts, after, log });
  return {
    doorStates,
    replica,
    revocations,
    clock,
    outbox,
    unreadable: new UnreadableTexts(outbox, monotonicMs),
    upkeep,
    contacts,
    async close() {
      contacts.close();
      isOpen = false;
      cancelKeeping();
      await clock.keep();
      await outbox.close();
    },
    async open() {
      await outbox.open();
      await Promise.all([clock.open(), doorStates.open(), replica.open()]);
      await revocations.open();
      isOpen = true;
      keepTime();
    },
  };
}
