/** What a process that runs for ever does while it has little to do: it gives memory back. */

const lookEveryMs = 10_000;
/** Share of the time in which the event loop did something; below it nobody waits for half a millisecond. */
const restingShare = 0.1;
/** What has to have come on top since the last release to make another worth its while. */
const grownBytes = 8 * 2 ** 20;

export interface RestOptions {
  /** Collects the young generation; V8's own, which is there with `--expose-gc`. */
  readonly collect?: ((options: { readonly type: 'minor' }) => unknown) | undefined;
  /** Gives freed memory outside V8's heap back to the kernel: `releaseMemory` of `native/memory.ts`. */
  readonly release?: () => Promise<void>;
  /** Share of the time since the last look in which the event loop was busy, 0 to 1. */
  readonly busyShare?: () => number;
  /** Resident memory, in bytes. */
  readonly residentBytes?: () => number;
}

/** The event loop's share of the time since the last call. */
function loopShare(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

/**
 * Looks every ten seconds. If the process rested it collects the young generation, and, when memory has grown since the
 * last time, releases what was freed. V8 collects when memory is asked for: at rest nobody asks, and the garbage of the last burst
 * stays. The collection costs 0.5 ms and gives back 4 to 5 MiB a process; the release is done on another thread. Does not
 * keep the process alive. Returns how to stop.
 */
export function giveBackAtRest(options: RestOptions = {}): () => void {
  const { collect = globalThis.gc, busyShare = loopShare(), release } = options;
  const { residentBytes = process.memoryUsage.rss } = options;
  let after = 0;
  const timer = setInterval(() => {
    if (busyShare() > restingShare) return;
    collect?.({ type: 'minor' });
    if (release === undefined || residentBytes() < after + grownBytes) return;
    // Not loadable is no failure: then memory is kept.
    void release()
      .catch(() => undefined)
      .then(() => {
        after = residentBytes();
      });
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
