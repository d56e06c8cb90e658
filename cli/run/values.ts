/** The forms in which docker's flags have their values. Each throws UsageError naming flag and value. */
import { UsageError } from '../arguments.ts';
import { memoryOf } from '../memory-size.ts';

/** `key` with `value`, or nothing when there is none. */
export const some = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });

/** A list, or nothing when it is empty. */
export const someOf = <K extends string, V>(key: K, list: readonly V[]): { [P in K]?: V[] } =>
  some(key, list.length === 0 ? undefined : [...list]);

/** docker's `512m`, `2g`, `1024` as a Kubernetes quantity; nothing is none. */
export function memory(flag: string, text: string): string {
  const amount = memoryOf(text, flag);
  if (Number.parseInt(amount, 10) > 0) return amount;
  throw new UsageError(`${flag} '${text}': more than nothing`);
}

export function integer(
  flag: string,
  text: string,
  bounds: { readonly least: number; readonly most?: number },
): number {
  const { least, most = Number.MAX_SAFE_INTEGER } = bounds;
  const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  const upTo = bounds.most === undefined ? '' : ` and at most ${most}`;
  throw new UsageError(`${flag} '${text}': a whole number of at least ${least}${upTo}`);
}

/** The one of `words` that was given. */
export function oneOf<W extends string>(flag: string, text: string, words: readonly W[]): W {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new UsageError(`${flag} '${text}': one of ${words.join(', ')}`);
}

/** `NAME=VALUE`; without `=` the value is empty. */
export function pair(flag: string, entry: string): [name: string, value: string] {
  const equals = entry.indexOf('=');
  const name = equals < 0 ? entry : entry.slice(0, equals);
  if (name === '') throw new UsageError(`${flag} '${entry}': the name is missing`);
  return [name, equals < 0 ? '' : entry.slice(equals + 1)];
}

const secondsOf: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** Go's durations (`1m30s`) as whole seconds, not less than one. */
export function seconds(flag: string, text: string): number {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    throw new UsageError(`${flag} '${text}': a time as 30s or 1m30s`);
  }
  let sum = 0;
  for (const [, number, unit = ''] of text.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    sum += Number(number) * (secondsOf[unit] ?? 0);
  }
  return Math.max(1, Math.round(sum));
}
