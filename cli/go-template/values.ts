/** How Go's templates show and weigh values. Pure. */

export const shown = (value: unknown): string => {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(shown).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  return `map[${entriesOf(value)
    .map(([key, one]) => `${key}:${shown(one)}`)
    .join(' ')}]`;
};

/** What is empty, zero or not there is false. */
export const isTrue = (value: unknown): boolean =>
  value instanceof Object ? Object.keys(value).length > 0 : Boolean(value);

/** In the order of a `range`: a map's by its keys. */
export const entriesOf = (value: object): readonly (readonly [string | number, unknown])[] =>
  Array.isArray(value)
    ? value.map((one, i) => [i, one])
    : Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));

/** `undefined` where there is no such field. */
export function fieldOf(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    at = at instanceof Object && Object.hasOwn(at, name) ? (at as never)[name] : undefined;
  }
  return at;
}
