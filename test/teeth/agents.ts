import type { Bug } from './bug.ts';

/** Between the server and the agent at the door. */
export const agentBugs: readonly Bug[] = [
  {
    name: 'a command that comes too late moves the lock',
    file: 'agent/commands.ts',
    find: '({ command, now_ms }) => now_ms > command.deadline_ms]',
    replace: '() => false]',
    test: 'agent/session.test.ts',
    named: 'deadline',
  },
  {
    name: 'a command of another session moves the lock',
    file: 'agent/commands.ts',
    find: '({ message, session }) => message.session !== session]',
    replace: '() => false]',
    test: 'agent/session.test.ts',
    named: 'another session',
  },
  {
    name: 'a command that comes twice moves the lock twice',
    file: 'agent/commands.ts',
    find: 'order.message.sequence !== order.next_sequence',
    replace: 'order.message.sequence > order.next_sequence',
    test: 'agent/session.test.ts',
    named: 'replayed|old sequence',
  },
  {
    name: 'the agent believes a server with another key',
    file: 'agent/session.ts',
    find: 'if (!this.#handshake.proves(signature))',
    replace: "if (signature === '')",
    test: 'agent/session.test.ts',
    named: 'handshake',
  },
  {
    name: 'the server believes an agent without its signature',
    file: 'server/agents/connection.ts',
    find: "if (!verify(null, bytes, publicKeyOf(row.public_key), Buffer.from(signature, 'base64url')))",
    replace: 'if (bytes.length === signature.length)',
    test: 'server/agents/connection.test.ts',
    named: 'is refused with another key',
  },
  {
    name: "an agent asks for another's doors",
    file: 'server/agents/connection.ts',
    find: 'if (!agent.door_ids.has(door_id))',
    replace: 'if (door_id === 0)',
    test: 'server/agents/connection.test.ts',
    named: 'no door but its own',
  },
  {
    name: 'the server gives commands twice their life',
    file: 'server/agents/connection.ts',
    find: '(this.#now() - last.receivedMs) + commandLifetimeMs',
    replace: '(this.#now() - last.receivedMs) + 2 * commandLifetimeMs',
    test: 'server/agents/connection.test.ts',
    named: 'a moment on the clock of the agent',
  },
];
