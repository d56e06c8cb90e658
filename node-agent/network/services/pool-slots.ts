/**
 * Which endpoint is in which slot of a pool. The kernel draws a slot's number and looks up its endpoint, so that slots are
 * numbered without a gap, and a change of one endpoint should change few of them. Pure.
 */

/** A sticky pool has so many slots however many endpoints: a new client's address gives its slot. */
export const stickySlots = 256;

/** Ends leave holes that the last ones fill; newcomers follow. One endpoint's change is one or two slots'. */
export function fillSlots(before: readonly string[], wanted: readonly string[]): readonly string[] {
  const missing = new Set(wanted);
  const slots: (string | undefined)[] = before.map((endpoint) =>
    missing.delete(endpoint) ? endpoint : undefined,
  );
  const newcomers = [...missing];
  for (const [i, endpoint] of slots.entries())
    if (endpoint === undefined && newcomers.length > 0) slots[i] = newcomers.shift();
  slots.push(...newcomers);
  let last = slots.length - 1;
  for (let hole = 0; hole < last; hole++) {
    if (slots[hole] !== undefined) continue;
    while (last > hole && slots[last] === undefined) last -= 1;
    slots[hole] = slots[last];
    slots[last] = undefined;
  }
  return slots.filter((endpoint) => endpoint !== undefined);
}

/**
 * Every endpoint has its equal part of the ring and keeps what it has: who goes leaves only its own slots to others, who comes
 * takes some of each.
 */
export function fillRing(before: readonly string[], wanted: readonly string[]): readonly string[] {
  if (wanted.length === 0) return [];
  const size = Math.max(stickySlots, wanted.length);
  const quota = new Map<string, number>();
  for (const [i, endpoint] of wanted.entries()) {
    quota.set(endpoint, Math.floor(size / wanted.length) + (i < size % wanted.length ? 1 : 0));
  }
  const ring: (string | undefined)[] = Array.from({ length: size }, (_, i) => {
    const endpoint = before[i];
    const left = endpoint === undefined ? 0 : (quota.get(endpoint) ?? 0);
    if (endpoint === undefined || left === 0) return undefined;
    quota.set(endpoint, left - 1);
    return endpoint;
  });
  const rest = [...quota].flatMap(([endpoint, left]) => Array<string>(left).fill(endpoint));
  return ring.map((endpoint) => endpoint ?? rest.shift() ?? '');
}
