/**
 * Forgets the store's history, as kube-apiserver does: every five minutes everything that is older than the last time.
 * Without it the store grows with every write.
 */
import { Compacted } from '../storage/storage.ts';
import type { ApiContext } from '../verbs/request.ts';
import type { Log } from './log.ts';

const intervalMs = 5 * 60 * 1000;

export function compactRegularly({ cache, storage }: ApiContext, log: Log): { stop(): void } {
  let before = cache.revision;
  const compact = async () => {
    const revision = before;
    before = cache.revision;
    if (revision === before) return;
    try {
      await storage.compact(revision);
    } catch (error) {
      // Another API server may have been faster; and what failed is tried again with the next.
      if (!(error instanceof Compacted)) log('warn', 'compaction failed', { error: String(error) });
    }
  };
  const timer = setInterval(() => void compact(), intervalMs).unref();
  return { stop: () => clearInterval(timer) };
}
