/**
 * Keeps etcd's history short: every five minutes it is forgotten up to where it was five minutes before. Several API
 * servers agree through one key, as kube-apiservers do (`storage/etcd3/compact.go`), with which it is compatible.
 */
import { Compacted, type Storage } from './storage.ts';

/** kube-apiserver's key and `--etcd-compaction-interval`. */
const compactKey = 'compact_rev_key';
const intervalMsDefault = 5 * 60_000;

export interface CompactorOptions {
  readonly intervalMs?: number;
  /** Told after each round but the first which revisions are forgotten: those before this one. */
  readonly onRound?: (forgotten: number) => void;
  /** Told when a round fails; the next one is made all the same. */
  readonly onError?: (error: unknown) => void;
}

/** One round: `past` is the revision of the round before; resolves with the revision to hand to the next one. */
export async function compactTo(storage: Storage, past: number | undefined): Promise<number> {
  const current = await storage.get(compactKey);
  const result = await storage.put(compactKey, Buffer.from(String(past ?? 0)), {
    expectedRevision: current?.revision ?? 0,
  });
  // Somebody else has this round: what stands now is where the next one starts.
  if (!result.written) return result.current?.revision ?? 0;
  if (past !== undefined) await storage.compact(past).catch(ignoreCompacted);
  return result.revision;
}

/** Starts the rounds; returns what stops them. The timer does not keep the process alive. */
export function startCompactor(storage: Storage, options: CompactorOptions = {}): () => void {
  const { intervalMs = intervalMsDefault, onRound, onError } = options;
  let past: number | undefined;
  const round = async () => {
    try {
      const forgotten = past;
      past = await compactTo(storage, forgotten);
      if (forgotten !== undefined) onRound?.(forgotten);
    } catch (error) {
      onError?.(error);
    }
  };
  void round();
  const timer = setInterval(() => void round(), intervalMs).unref();
  return () => clearInterval(timer);
}

function ignoreCompacted(error: unknown): void {
  if (!(error instanceof Compacted)) throw error;
}
