/** Work on many things, few at once. */

/** Layers: each takes two threads, of which one waits for the other, for inflating or for the disk, as its files are. */
export const UNPACKED_AT_ONCE = 2;

/**
 * `work` on each item, `atOnce` of them at a time, begun in their order; the answers are in that order, too. After a failure
 * nothing more is begun, and what is under way is waited for. @throws the first failure
 */
export async function inLanes<T, A>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<A>,
): Promise<readonly A[]> {
  const answers: A[] = [];
  const failures: unknown[] = [];
  const waiting = items.entries();
  const lane = async () => {
    for (const [index, item] of waiting) {
      if (failures.length > 0) return;
      try {
        answers[index] = await work(item, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  if (failures.length > 0) throw failures[0];
  return answers;
}
