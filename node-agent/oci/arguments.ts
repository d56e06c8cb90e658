/** Command lines as runc and crun take them: `--flag value`, `--flag=value`, `-f value`, `-flag`. Pure. */

/** Told to whoever wrote the command line; exit code 2 is not used by runc, 1 is. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface FlagKind {
  /** `text` takes a value, `texts` may be given again and again, `number` is a whole one. */
  readonly kind: 'on' | 'text' | 'texts' | 'number';
  readonly short?: string;
}

type Kinds = Readonly<Record<string, FlagKind>>;
type ValueOf<K extends FlagKind> = K['kind'] extends 'on'
  ? boolean
  : K['kind'] extends 'number'
    ? number | undefined
    : K['kind'] extends 'texts'
      ? readonly string[]
      : string | undefined;
type Flags<K extends Kinds> = { readonly [Name in keyof K]: ValueOf<K[Name]> };

export interface Parsed<K extends Kinds> {
  readonly flags: Flags<K>;
  readonly rest: readonly string[];
}

function isOn(name: string, value: string | undefined): boolean {
  if (value === undefined || value === 'true') return true;
  if (value === 'false') return false;
  throw new UsageError(`--${name}: expected true or false, found ${value}`);
}

function numberOf(name: string, value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new UsageError(`--${name}: expected a whole number, found ${JSON.stringify(value)}`);
}

function defaults(kinds: Kinds): Record<string, unknown> {
  const start = { on: false, texts: [], text: undefined, number: undefined };
  return Object.fromEntries(
    Object.entries(kinds).map(([name, { kind }]) => [name, kind === 'texts' ? [] : start[kind]]),
  );
}

/**
 * Reads flags. With `stop: 'first'` what comes after the first word that is no flag is left alone (a program and its
 * own flags); else flags may stand anywhere before `--`.
 * @throws UsageError naming the flag
 */
export function parseFlags<const K extends Kinds>(
  words: readonly string[],
  kinds: K,
  stop: 'first' | 'never' = 'never',
): Parsed<K> {
  const flags = defaults(kinds);
  const shorts = new Map(Object.entries(kinds).map(([name, { short }]) => [short, name]));
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--' || (!/^-./.test(word) && stop === 'first')) {
      rest.push(...words.slice(word === '--' ? at + 1 : at));
      break;
    }
    if (!/^-./.test(word)) {
      rest.push(word);
      continue;
    }
    const [, given = '', inline] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const name = shorts.get(given) ?? given;
    const kind = kinds[name]?.kind;
    if (kind === undefined) throw new UsageError(`unknown flag ${word.split('=', 1)[0]}`);
    if (kind === 'on') {
      flags[name] = isOn(name, inline);
      continue;
    }
    const value = inline ?? words[++at];
    if (value === undefined) throw new UsageError(`--${name} needs a value`);
    if (kind === 'number') flags[name] = numberOf(name, value);
    else flags[name] = kind === 'texts' ? [...(flags[name] as string[]), value] : value;
  }
  return { flags: flags as Flags<K>, rest };
}

/** The one container a command is about, and nothing else. */
export function onlyId(rest: readonly string[]): string {
  const [id, ...more] = rest;
  if (id === undefined) throw new UsageError('expected the id of a container');
  if (more.length > 0)
    throw new UsageError(`expected one container id, found also ${more.join(' ')}`);
  return id;
}
