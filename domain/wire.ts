/** Our noun on the left, Kisi's word on the right: the only renaming between our records and the HTTP API. */
const wireNames: Record<string, string> = {
  door: 'lock',
  door_id: 'lock_id',
  doors_count: 'locks_count',
  link: 'group_link',
  link_id: 'group_link_id',
};

const ourNames = Object.fromEntries(Object.entries(wireNames).map(([ours, wire]) => [wire, ours]));

/** A record with its fields under the names that the HTTP API uses. */
export function toWire(record: Record<string, unknown>): Record<string, unknown> {
  return rename(record, wireNames);
}

/** What a client sent, under our names. */
export function fromWire(record: Record<string, unknown>): Record<string, unknown> {
  return rename(record, ourNames);
}

function rename(record: Record<string, unknown>, names: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [names[name] ?? name, value]));
}
