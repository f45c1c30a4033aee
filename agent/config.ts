import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { LockConfig } from './locks/drivers.ts';
import { Problem } from './problem.ts';
import { ReaderConfig } from './readers/drivers.ts';
import { mistakes } from './shape.ts';

export const configFileName = 'agent.json';
/** As many as the hello to the server may name. */
const doorsMax = 256;
const readersMax = 256;

const ReaderName = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 200, description: 'a text: what people call the reader' }),
});

const Shape = Type.Object({
  doors: Type.Array(Type.Unknown(), {
    minItems: 1,
    maxItems: doorsMax,
    description: `a list of 1 to ${doorsMax} doors`,
  }),
});

const Door = Type.Object({
  id: Type.Integer({ minimum: 1, description: 'the number that the server has given the door' }),
  lock: LockConfig,
  readers: Type.Optional(
    Type.Array(Type.Unknown(), {
      maxItems: readersMax,
      description: `a list of at most ${readersMax} readers`,
    }),
  ),
});

export interface DoorConfig {
  id: number;
  lock: LockConfig;
  readers: ({ name: string } & ReaderConfig)[];
}

/** The smallest file that works. */
export const exampleConfig = `{
  "doors": [
    {
      "id": 1,
      "lock": { "driver": "simulated" },
      "readers": [{ "name": "Front door, outside", "driver": "simulated" }]
    }
  ]
}
`;

/** The doors that the file names. Throws a Problem that tells every mistake in it. */
export async function readAgentConfig(path: string): Promise<DoorConfig[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Problem(noFile(path));
    throw new Problem(
      `${path} cannot be read (${error.code}): run this as the user whom the agent belongs to.`,
    );
  });
  return parseAgentConfig(text, path);
}

export function configPath(folder: string): string {
  return join(folder, configFileName);
}

/** `path`: what the mistakes are told of. */
export function parseAgentConfig(text: string, path: string): DoorConfig[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new Problem(`${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const found = allMistakes(content);
  if (found.length > 0)
    throw new Problem([`${path} has mistakes:`, ...found.map((each) => `  ${each}`)].join('\n'));
  const { doors } = content as { doors: (Omit<DoorConfig, 'readers'> & Partial<DoorConfig>)[] }; // checked above
  return doors.map((door) => ({ ...door, readers: door.readers ?? [] }));
}

function allMistakes(content: unknown): string[] {
  const found = mistakes(Shape, content, '');
  if (!isObject(content) || !Array.isArray(content['doors'])) return found;
  const doors: unknown[] = content['doors'];
  return [
    ...found,
    ...doors.flatMap((door, index) => doorMistakes(door, `doors[${index}]`)),
    ...duplicates(doors),
  ];
}

function doorMistakes(door: unknown, path: string): string[] {
  const readers = isObject(door) && Array.isArray(door['readers']) ? door['readers'] : [];
  return [
    ...mistakes(Door, door, path),
    ...readers.flatMap((reader, index) => readerMistakes(reader, `${path}.readers[${index}]`)),
    ...repeated(readers.map((reader) => isObject(reader) && reader['name'])).map(
      ([index, first, name]) =>
        `${path}.readers[${index}].name is ${JSON.stringify(name)}, as that of readers[${first}] is: each has a name of its own.`,
    ),
  ];
}

/** The name is ours; everything else is the driver's. */
function readerMistakes(reader: unknown, path: string): string[] {
  if (!isObject(reader)) return [`${path} must be an object with a "name" and a "driver".`];
  const { name, ...driver } = reader;
  return [...mistakes(ReaderName, { name }, path), ...mistakes(ReaderConfig, driver, path)];
}

function duplicates(doors: readonly unknown[]): string[] {
  const ids = doors.map((door) => isObject(door) && door['id']);
  return repeated(ids).map(
    ([index, first, id]) =>
      `doors[${index}].id is ${id}, as that of doors[${first}] is: each door is named once.`,
  );
}

/** Which of the values came before, where, and where first; false stands for none. */
function repeated(values: readonly unknown[]): [number, number, unknown][] {
  return values.flatMap((value, index): [number, number, unknown][] => {
    const first = values.indexOf(value);
    const isValue = typeof value === 'string' || typeof value === 'number';
    return isValue && first < index ? [[index, first, value]] : [];
  });
}

function noFile(path: string): string {
  return (
    `There is no ${path}. It says which doors this agent drives, and how. The smallest one that works:\n\n${exampleConfig}\n` +
    'The id is that of the door on the server: `GET /locks`. docs/operating/agent.md has the drivers.'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
