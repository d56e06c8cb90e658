/** How long the event loop is held: its turns, one callback with the microtasks after it each. */
import { createHook } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';

/** The longest turn while `work` goes on, in microseconds; the time asleep does not count. */
export async function longestTurnUs(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let before = performance.eventLoopUtilization();
  const turn = () => {
    longest = Math.max(longest, performance.eventLoopUtilization(before).active);
    before = performance.eventLoopUtilization();
  };
  // Called as each callback begins, so what is measured includes the microtasks of the one before.
  const hook = createHook({ before: turn, trackPromises: false });
  hook.enable();
  before = performance.eventLoopUtilization();
  try {
    await work();
    turn();
  } finally {
    hook.disable();
  }
  return longest * 1000;
}
