/** Our noun on the left, Kisi's word on the right: the only renaming between our records and the HTTP API. */
const wireNames = new Map([
  ['door', 'lock'],
  ['door_id', 'lock_id'],
  ['doors_count', 'locks_count'],
  ['link', 'group_link'],
  ['link_id', 'group_link_id'],
]);

/** A record with its fields under the names that the HTTP API uses. */
export function toWire(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [wireNames.get(name) ?? name, value]),
  );
}
