import type { Operation } from '../endpoints.ts';
import { operationId } from '../openapi.ts';
import { operations } from '../operations.ts';
import type { OpenApiDocument, OperationObject } from './document.ts';

/** One operation under its first method and path; the `others` are further spellings of the same. */
export interface Spelled {
  method: string;
  path: string;
  object: OperationObject;
  others: { method: string; path: string }[];
}

export interface Chapter {
  name: string;
  description: string;
  operations: Spelled[];
}

const firstIds = new Set((Object.keys(operations) as Operation[]).map((name) => operationId(name))); // the table's own keys

/** The document as people read it: by chapters, every operation once. */
export function chaptersOf({ tags, paths }: OpenApiDocument): Chapter[] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, object]) => ({ method: method.toUpperCase(), path, object })),
  );
  const others = all.filter(({ object }) => !firstIds.has(object.operationId));
  const first = all
    .filter(({ object }) => firstIds.has(object.operationId))
    .map((spelled) => ({
      ...spelled,
      others: others.filter(({ object }) => object.operationId.startsWith(`${spelled.object.operationId}_`)),
    }));
  return tags.map((tag) => ({
    ...tag,
    operations: first.filter(({ object }) => object.tags.includes(tag.name)),
  }));
}
