import { type ReaderStatement, readerBytes } from '../../domain/reader-protocol.ts';
import type { TabletView } from './api.ts';

/** What the tablet keeps: which reader it is, and a key that even this page cannot take out of the browser. */
export interface Enrollment {
  tablet: TabletView;
  key: CryptoKey;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const databaseName = 'postern-reader';
const storeName = 'enrollment';

export async function newKey(): Promise<{ key: CryptoKey; publicKey: object }> {
  const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return { key: pair.privateKey, publicKey: { kty, crv, x, y } };
}

/** ECDSA, r and s one after the other, base64url. */
export async function sign(key: CryptoKey, statement: ReaderStatement): Promise<string> {
  return base64url(await crypto.subtle.sign(algorithm, key, readerBytes(statement)));
}

export async function digestOf(text: string): Promise<string> {
  return base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}

/** What was kept; null: nothing, or the browser keeps nothing. */
export async function keptEnrollment(): Promise<Enrollment | null> {
  const kept = await inStore('readonly', (store) => store.get('this')).catch(() => undefined);
  return (kept as Enrollment | undefined) ?? null; // nobody but `keep` writes there
}

/** Rejects when the browser keeps nothing: in a private window, or with a full disk. */
export async function keep(
  slot: 'this' | 'next',
  enrollment: Enrollment | { key: CryptoKey },
): Promise<void> {
  await inStore('readwrite', (store) => store.put(enrollment, slot));
}

async function inStore(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest,
): Promise<unknown> {
  const opening = indexedDB.open(databaseName, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(storeName);
  const database = await settled<IDBDatabase>(opening);
  try {
    const transaction = database.transaction(storeName, mode);
    const request = work(transaction.objectStore(storeName));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    return request.result;
  } finally {
    database.close();
  }
}

function settled<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function base64url(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
