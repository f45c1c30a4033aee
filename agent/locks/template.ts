/** What a template may name: `{pulse_ms}` and so on. */
export interface TemplateValues {
  pulse_ms?: number;
  pulse_s?: number;
  command_id?: string;
  door_id: number;
  token?: string;
}

/** Where a value comes to stand decides how it is written there. */
type Place = 'url' | 'json' | 'form' | 'header' | 'plain';

const anyName = /\{([a-z_]+)\}/g;
const knownNames = ['pulse_ms', 'pulse_s', 'command_id', 'door_id', 'token'];

export function fill(template: string, values: TemplateValues, place: Place): string {
  const byName = new Map<string, unknown>(Object.entries(values));
  return template.replace(anyName, (whole, name: string) =>
    byName.has(name) ? escaped(String(byName.get(name)), place) : whole,
  );
}

/** The same object with its texts filled; a text that is nothing but one template becomes that value, a number too. */
export function fillJson(template: unknown, values: TemplateValues): unknown {
  if (typeof template === 'string') {
    const whole = /^\{([a-z_]+)\}$/.exec(template)?.[1];
    const byName = new Map<string, unknown>(Object.entries(values));
    if (whole !== undefined && byName.has(whole)) return byName.get(whole);
    return fill(template, values, 'plain');
  }
  if (Array.isArray(template)) return template.map((item) => fillJson(item, values));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fillJson(value, values)]));
}

/** Throws a sentence about the first known name that has no value here. */
export function checkNames(template: string, values: TemplateValues, setting: string): void {
  for (const [, name = ''] of template.matchAll(anyName)) {
    if (!knownNames.includes(name) || name in values) continue;
    throw new Error(
      name === 'token'
        ? `${setting} asks for {token}: name the file that holds it in token_file.`
        : `${setting} cannot use {${name}}: only the request that unlocks has a pulse and a command.`,
    );
  }
}

function escaped(value: string, place: Place): string {
  switch (place) {
    case 'url':
    case 'form':
      return encodeURIComponent(value);
    case 'json':
      return JSON.stringify(value).slice(1, -1);
    case 'header':
      return value.replace(/[^\x20-\x7e]/g, '?');
    case 'plain':
      return value;
  }
}
