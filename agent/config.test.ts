import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Type } from 'typebox';
import { exampleConfig, parseAgentConfig, readAgentConfig } from './config.ts';
import { Problem } from './problem.ts';
import { mistakes } from './shape.ts';

const door = {
  id: 1,
  lock: { driver: 'simulated' },
  readers: [{ name: 'front', driver: 'simulated', port: 0 }],
};
const parsed = (content: unknown) => parseAgentConfig(JSON.stringify(content), 'agent.json');

/** The mistakes that are told, without where the file is. */
function told(content: unknown): string[] {
  try {
    parsed(content);
    return [];
  } catch (error) {
    assert.ok(error instanceof Problem);
    const [head, ...lines] = error.message.split('\n');
    assert.equal(head, 'agent.json has mistakes:');
    return lines.map((line) => line.trim());
  }
}

describe("the agent's file", () => {
  it('names doors, their locks and readers', () => {
    assert.deepEqual(parsed({ doors: [door, { id: 2, lock: { driver: 'simulated' } }] }), [
      door,
      { id: 2, lock: { driver: 'simulated' }, readers: [] },
    ]);
    assert.equal(parseAgentConfig(exampleConfig, 'x').length, 1);
  });

  const wrong: [string, unknown, string[]][] = [
    ['no object', [], ['The file must be an object.']],
    ['no doors', {}, ['doors is missing: a list of 1 to 256 doors.']],
    ['an empty list', { doors: [] }, ['doors must be a list of 1 to 256 doors.']],
    [
      'a field that there is none of',
      { doors: [door], door: [] },
      ['door is not known here. The fields are: doors.'],
    ],
    [
      'a door without anything',
      { doors: [{}] },
      [
        'doors[0].id is missing: the number that the server has given the door.',
        'doors[0].lock is missing: an object with a "driver".',
      ],
    ],
    [
      'a driver that there is none of',
      { doors: [{ ...door, lock: { driver: 'magnet' } }] },
      ['doors[0].lock.driver is "magnet", which there is none of. The drivers are: '],
    ],
    [
      'a lock that is no object',
      { doors: [{ ...door, lock: 'x' }] },
      ['doors[0].lock must be an object with a "driver": one of '],
    ],
    [
      'a reader without a name',
      { doors: [{ ...door, readers: [{ driver: 'simulated' }] }] },
      ['doors[0].readers[0].name is missing: a text: what people call the reader.'],
    ],
    [
      'a port out of range, and a field of another driver',
      { doors: [{ ...door, readers: [{ name: 'a', driver: 'simulated', port: 70_000, baud: 9600 }] }] },
      [
        'doors[0].readers[0].port must be a port from 0 (any free one) to 65535.',
        'doors[0].readers[0].baud is not known here. The fields are: driver, port.',
      ],
    ],
    [
      'a door twice',
      { doors: [door, door] },
      ['doors[1].id is 1, as that of doors[0] is: each door is named once.'],
    ],
    [
      'a reader twice',
      { doors: [{ ...door, readers: [...door.readers, ...door.readers] }] },
      ['doors[0].readers[1].name is "front", as that of readers[0] is: each has a name of its own.'],
    ],
  ];
  for (const [what, content, expected] of wrong) {
    it(`is refused with ${what}`, () => {
      const found = told(content);
      assert.deepEqual(
        found.map((line, index) => line.slice(0, expected[index]?.length)),
        expected,
      );
    });
  }

  it('is refused with all of its mistakes at once', () => {
    assert.equal(
      told({
        doors: [
          { id: 'x', lock: {}, readers: {} },
          { ...door, extra: 1 },
        ],
      }).length,
      4,
    );
  });

  it('is refused when it is no JSON, and says what belongs there when there is none', async () => {
    assert.throws(() => parseAgentConfig('{', 'agent.json'), /^Error: agent.json is not JSON: /);
    await assert.rejects(readAgentConfig('/nowhere/agent.json'), (error: Error) => {
      assert.match(error.message, /^There is no \/nowhere\/agent\.json\./);
      assert.ok(error.message.includes(exampleConfig));
      return true;
    });
  });
});

describe('a mistake', () => {
  it('is named in the variant that the driver chooses, however deep', () => {
    const Http = Type.Object({
      driver: Type.Literal('http'),
      unlock: Type.Object({
        url: Type.String({ description: 'an address' }),
        method: Type.Union([Type.Literal('GET'), Type.Literal('POST')]),
      }),
    });
    const Union = Type.Union([Type.Object({ driver: Type.Literal('simulated') }), Http]);
    assert.deepEqual(mistakes(Union, { driver: 'http', unlock: { method: 'PUT', body: 1 } }, 'lock'), [
      'lock.unlock.url is missing: an address.',
      'lock.unlock.method must be "GET" or "POST".',
      'lock.unlock.body is not known here. The fields are: url, method.',
    ]);
    assert.deepEqual(mistakes(Union, { driver: 'http', unlock: { url: 'x', method: 'GET' } }, 'lock'), []);
  });
});
