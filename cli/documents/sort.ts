/** `--sort-by`: the order of documents by a field of theirs. */
import { compareQuantities, parseQuantity } from '#api/resources/quantity.ts';
import { UsageError } from '../arguments.ts';
import { JsonPath, relaxed } from './json-path.ts';

/** Numbers in texts count as numbers: `a2` comes before `a10`. */
function natural(a: string, b: string): number {
  const [x, y] = [a.match(/\d+|\D/g) ?? [], b.match(/\d+|\D/g) ?? []];
  for (let i = 0; i < Math.min(x.length, y.length); i += 1) {
    const [one = '', other = ''] = [x[i], y[i]];
    if (one === other) continue;
    const isNumber = /^\d/.test(one) && /^\d/.test(other);
    if (isNumber && Number(one) !== Number(other)) return Number(one) - Number(other);
    return one < other ? -1 : 1;
  }
  return x.length - y.length;
}

function quantities(a: string, b: string): number | undefined {
  try {
    return compareQuantities(parseQuantity(a), parseQuantity(b));
  } catch {
    return undefined;
  }
}

function compare(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(b === undefined) - Number(a === undefined);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return quantities(a, b) ?? natural(a, b);
  return natural(JsonPath.shown(a), JsonPath.shown(b));
}

/**
 * The things by the field of their objects; those that lack it come first. @throws UsageError for a path that is
 * none, or that nothing has
 */
export function sortedBy<T>(
  things: readonly T[],
  path: string,
  objectOf: (thing: T) => unknown,
): T[] {
  const field = new JsonPath(relaxed(path), { allowMissing: true });
  const keyed = things.map((thing) => ({ thing, key: field.find(objectOf(thing)).flat()[0] }));
  if (keyed.length > 0 && keyed.every(({ key }) => key === undefined)) {
    throw new UsageError(
      `--sort-by: couldn't find any field with path "${relaxed(path)}" in the list of objects`,
    );
  }
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ thing }) => thing);
}
