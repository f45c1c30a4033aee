/** The value of JSON, undefined for what is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The value at a path such as `result.on`; undefined when there is none. */
export function fieldOf(value: unknown, path: string): unknown {
  let at = value;
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    // An object that has the name has something there, and its type is unknown.
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}
