import type { Bug } from './bug.ts';

const http = 'agent/locks/http.test.ts';
const mqtt = 'agent/locks/mqtt.test.ts';

/** Locks and readers: what is left under way, what is believed, and whom a reader reads for. */
export const driverBugs: readonly Bug[] = [
  {
    name: 'what was sent and not answered stays with the kernel',
    file: 'agent/locks/dial.ts',
    find: 'if (!socket.destroyed) socket.resetAndDestroy();',
    replace: 'socket.destroy();',
    test: http,
    named: 'resets the line',
  },
  {
    name: 'a command to a broker that is away is kept for later',
    file: 'agent/locks/broker.ts',
    find: 'if (!this.connected) throw',
    replace: "if (topic === '') throw",
    test: mqtt,
    named: 'has kept nothing',
  },
  {
    name: 'a command is retained',
    file: 'agent/locks/broker.ts',
    find: '{ qos: 0, retain: false }',
    replace: '{ qos: 0, retain: true }',
    test: mqtt,
    named: 'neither retained',
  },
  {
    name: 'a broker that fell silent keeps its connection',
    file: 'agent/locks/broker.ts',
    find: 'if (!taken) line?.reset();',
    replace: 'if (!taken && line === null) return false;',
    test: mqtt,
    named: 'fell silent',
  },
  {
    name: 'a kept state confirms a command',
    file: 'agent/locks/mqtt.ts',
    find: 'if (!retained) {',
    replace: 'if (retained || !retained) {',
    test: mqtt,
    named: 'retained state',
  },
  {
    name: 'a command that nobody confirmed is done',
    file: 'agent/locks/mqtt.ts',
    find: 'this.#wiring.assume_done === true;',
    replace: 'this.#wiring.assume_done !== false;',
    test: mqtt,
    named: 'as honest',
  },
  {
    name: 'a topic with a wildcard takes commands',
    file: 'agent/locks/mqtt.ts',
    find: 'if (new RegExp(topicPattern).test(topic)) return;',
    replace: "if (topic !== '') return;",
    test: mqtt,
    named: 'wildcards',
  },
  {
    name: 'a lock stays released when the agent closes',
    file: 'agent/locks/relock.ts',
    find: 'if (this.#owed) await this.#relock(relockAttemptsAtCloseMax, true);',
    replace: '',
    test: 'agent/locks/contract.test.ts',
    named: 'is locked by the time it is closed',
  },
  {
    name: 'a lock stays released after an agent that died',
    file: 'agent/locks/relock.ts',
    find: 'this.#owed = existsSync(this.#mark);',
    replace: 'this.#owed = existsSync(this.#mark) && false;',
    test: http,
    named: 'an agent that died',
  },
  {
    name: 'whoever waited too long is sent all the same',
    file: 'agent/locks/turns.ts',
    find: 'if (signal.aborted) throw tooLate();',
    replace: '',
    test: 'agent/locks/turns.test.ts',
  },
  {
    name: 'a redirect counts as done',
    file: 'agent/locks/http.ts',
    find: 'status > 299',
    replace: 'status > 399',
    test: http,
    named: 'a redirect',
  },
  {
    name: 'a reader reads for strangers',
    file: 'agent/readers/tcp.ts',
    find: 'if (!this.#allowed.check(',
    replace: 'if (from === undefined && !this.#allowed.check(',
    test: 'agent/readers/tcp.test.ts',
    named: 'for those who are named',
  },
];
