import type { LogStore } from './outbox-file.ts';

/** The same log; says when it cannot be written and when it can again, once each time. */
export function watchedStore(
  store: LogStore,
  { onFailure, onRecovery }: { onFailure: (error: unknown) => void; onRecovery: () => void },
): LogStore {
  let isFailing = false;
  return {
    ...store,
    async append(text) {
      try {
        await store.append(text);
      } catch (error) {
        if (!isFailing) onFailure(error);
        isFailing = true;
        throw error;
      }
      if (isFailing) onRecovery();
      isFailing = false;
    },
  };
}
