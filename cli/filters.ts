/** docker's `--filter KEY=VALUE`: values of one key are alternatives, different keys must all hold. */
import { UsageError } from './arguments.ts';

export type Filters = ReadonlyMap<string, readonly string[]>;

/** @throws UsageError for a filter without a value or of a key that the command does not know */
export function filtersOf(texts: readonly string[], known: readonly string[]): Filters {
  const filters = new Map<string, string[]>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    const key = text.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (equals < 1) throw new UsageError(`--filter '${text}': write KEY=VALUE`);
    if (!known.includes(key)) {
      throw new UsageError(
        `--filter '${text}': invalid filter '${key}'; known: ${known.join(', ')}`,
      );
    }
    filters.set(key, [...(filters.get(key) ?? []), text.slice(equals + 1).trim()]);
  }
  return filters;
}

/** Whether one of a key's values holds, or none is asked for. */
export const some = (filters: Filters, key: string, holds: (value: string) => boolean): boolean =>
  filters.get(key)?.some(holds) ?? true;

/** Docker's `label=KEY` and `label=KEY=VALUE`; all that are asked for must hold. */
export function hasLabels(
  filters: Filters,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  return (filters.get('label') ?? []).every((wanted) => {
    const equals = wanted.indexOf('=');
    if (equals === -1) return Object.hasOwn(labels, wanted);
    return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
  });
}

/** `true` or `false`, in Go's words. @throws UsageError */
export function truth(key: string, value: string): boolean {
  if (['true', '1', 't'].includes(value.toLowerCase())) return true;
  if (['false', '0', 'f'].includes(value.toLowerCase())) return false;
  throw new UsageError(`--filter '${key}=${value}': true or false`);
}
