/** Flags as kubectl takes them: `-o json`, `-ojson`, `-o=json`, `--watch=false`, `--dry-run` with or without a value. */
import { UsageError } from '../arguments.ts';

export interface Flag {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** The value of a string flag that is given without one; its value then always follows a `=`. */
  readonly bare?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F['type'] extends 'boolean'
  ? boolean
  : F extends { readonly multiple: true }
    ? string[]
    : string;

export type Values<T extends Flags> = { readonly [K in keyof T]?: ValueOf<T[K]> | undefined };

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  '1': true,
  false: false,
  f: false,
  '0': false,
};

class FlagParser {
  readonly values: Record<string, string | boolean | string[]> = {};
  readonly #flags: Flags;
  readonly #rest: string[];
  readonly #fail: (why: string) => UsageError;

  constructor(flags: Flags, args: readonly string[], fail: (why: string) => UsageError) {
    this.#flags = flags;
    this.#rest = [...args];
    this.#fail = fail;
  }

  /** The words that are no flags. After `stopAfter` of them, and after `--`, all is words. */
  parse(stopAfter: number): string[] {
    const words: string[] = [];
    while (this.#rest.length > 0 && words.length < stopAfter) {
      const arg = this.#rest.shift() ?? '';
      if (arg === '--') break;
      if (arg.startsWith('--')) this.#long(arg.slice(2));
      else if (arg.startsWith('-') && arg !== '-') this.#short(arg.slice(1), arg);
      else words.push(arg);
    }
    if (this.#rest[0] === '--' && words.length >= stopAfter) this.#rest.shift();
    return [...words, ...this.#rest];
  }

  #long(text: string): void {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const flag = Object.hasOwn(this.#flags, name) ? this.#flags[name] : undefined;
    if (flag === undefined) throw this.#fail(`unknown flag: --${name}`);
    this.#take(name, flag, equals < 0 ? undefined : text.slice(equals + 1), `--${name}`);
  }

  #short(letters: string, arg: string): void {
    const [letter = ''] = letters;
    const found = Object.entries(this.#flags).find(([, { short }]) => short === letter);
    if (found === undefined) {
      throw this.#fail(`unknown shorthand flag: '${letter}' in ${arg}`);
    }
    const [name, flag] = found;
    const rest = letters.slice(1);
    if (flag.type === 'string' || rest.startsWith('=')) {
      const value = rest === '' ? undefined : rest.replace(/^=/, '');
      this.#take(name, flag, value, `-${letter}`);
      return;
    }
    this.values[name] = true;
    if (rest !== '') this.#short(rest, arg);
  }

  #take(name: string, flag: Flag, given: string | undefined, shown: string): void {
    if (flag.type === 'boolean') {
      const truth = truths[(given ?? 'true').toLowerCase()];
      if (truth === undefined) {
        throw this.#fail(`invalid argument "${given}" for "${shown}" flag: use true or false`);
      }
      this.values[name] = truth;
      return;
    }
    const value = given ?? flag.bare ?? this.#rest.shift();
    if (value === undefined) throw this.#fail(`flag needs an argument: ${shown}`);
    const before = this.values[name];
    this.values[name] =
      flag.multiple === true ? [...(Array.isArray(before) ? before : []), value] : value;
  }
}

/**
 * Flags anywhere on the line, and the words that are none; with `stopAfter`, flags end after so many words: what
 * follows belongs to another program. @throws UsageError in kubectl's words, with the command whose help tells more
 */
export function parseFlags<const T extends Flags>(
  command: string,
  args: readonly string[],
  flags: T,
  stopAfter = Number.POSITIVE_INFINITY,
): { readonly values: Values<T>; readonly words: string[] } {
  const fail = (why: string) => new UsageError(`${why}; see 'bay help ${command}'`);
  const parser = new FlagParser(flags, args, fail);
  const words = parser.parse(stopAfter);
  return { values: parser.values as Values<T>, words };
}

/** Flags of every command that talks to the API. */
export const clientFlags = {
  name: { type: 'string' },
  'data-dir': { type: 'string' },
  'run-dir': { type: 'string' },
  kubeconfig: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  context: { type: 'string' },
  cluster: { type: 'string' },
  user: { type: 'string' },
  server: { type: 'string', short: 's' },
  token: { type: 'string' },
  'certificate-authority': { type: 'string' },
  'insecure-skip-tls-verify': { type: 'boolean' },
  as: { type: 'string' },
  'as-group': { type: 'string', multiple: true },
  'request-timeout': { type: 'string' },
} as const satisfies Flags;

/** Flags that say which documents are meant. */
export const selectionFlags = {
  filename: { type: 'string', short: 'f', multiple: true },
  kustomize: { type: 'string', short: 'k' },
  recursive: { type: 'boolean', short: 'R' },
  selector: { type: 'string', short: 'l' },
  'field-selector': { type: 'string' },
  all: { type: 'boolean' },
  'all-namespaces': { type: 'boolean', short: 'A' },
} as const satisfies Flags;

/** Flags of commands that write. */
export const writeFlags = {
  'dry-run': { type: 'string', bare: 'client' },
  'field-manager': { type: 'string' },
} as const satisfies Flags;

export type DryRun = 'none' | 'client' | 'server';

/** What `--dry-run` says. */
export function dryRunOf(text: string | undefined): DryRun {
  if (text === undefined || text === 'none') return 'none';
  if (text === 'client' || text === 'server') return text;
  throw new UsageError(`Invalid dry-run value (${text}). Must be "none", "server", or "client".`);
}

/** `--flag 3`. @throws UsageError that names the flag */
export function integerOf(text: string, flag: string): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`invalid argument "${text}" for "${flag}" flag: a whole number is needed`);
}
