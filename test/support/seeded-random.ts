/** Randomness that can be had again: a test prints its seed, `SEED=… node test/….ts` repeats it. */

/** Numbers from 0 to 1 (mulberry32), from the seed of the environment or a new one. */
export function seededRandom(): { readonly random: () => number; readonly seed: number } {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { random, seed };
}
