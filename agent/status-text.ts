/** What a running agent says of itself. Parts that are not named here are shown as they come. */
interface Status {
  agent?: { agent_id: number; organization: string; server_url: string };
  connection?: { connected: boolean; since: string; problem: string | null };
  doors?: { id: number; name: string; refused: string | null; driven: boolean }[];
  readers?: { name: string; door_id: number; listens_at: { host: string; port: number } | null }[];
}

const labelWidth = 12;

/** The status for a person. */
export function statusText(answer: unknown): string {
  const {
    agent,
    connection,
    doors = [],
    readers = [],
    ...rest
  }: Status & Record<string, unknown> = Object(answer);
  const lines = [
    ...(agent ? labelled('Agent', [`${agent.agent_id} of ${agent.organization}`]) : []),
    ...(connection ? labelled('Server', [connectionWords(connection, agent?.server_url ?? '')]) : []),
    ...labelled(
      'Doors',
      doors.map(({ id, name, refused }) => `${id} ${name}${refused ? `: refused, ${refused}` : ''}`),
    ),
    ...labelled(
      'Readers',
      readers.map(
        ({ name, door_id, listens_at: at }) => `${name}, at door ${door_id}${at ? `, port ${at.port}` : ''}`,
      ),
    ),
    ...Object.entries(rest).flatMap(([name, part]) => labelled(capital(name), partWords(part))),
  ];
  return `${lines.join('\n')}\n`;
}

function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => (index === 0 ? label : '').padEnd(labelWidth) + line);
}

function connectionWords(
  { connected, since, problem }: NonNullable<Status['connection']>,
  url: string,
): string {
  if (connected) return `${url}, connected since ${since}`;
  return `${url}, not connected since ${since}${problem === null ? '' : `: ${problem}`}`;
}

function partWords(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return [String(part)];
  return Object.entries(part).map(([name, value]) => `${name.replaceAll('_', ' ')} ${plain(value)}`);
}

function plain(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');
}
