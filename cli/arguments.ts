/** Command lines: options in the style of kubectl and docker, on top of Node's own `parseArgs`. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type Options = NonNullable<ParseArgsConfig['options']>;

/** Options every command takes to say which cluster it means. */
export const clusterOptions = {
  name: { type: 'string' },
  'data-dir': { type: 'string' },
  'run-dir': { type: 'string' },
} as const satisfies Options;

/** kubectl's, that say which server is asked and as whom; without those whose names docker's flags have. */
export const serverOptions = {
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  server: { type: 'string' },
  token: { type: 'string' },
  'certificate-authority': { type: 'string' },
  'insecure-skip-tls-verify': { type: 'boolean' },
  as: { type: 'string' },
  'as-group': { type: 'string', multiple: true },
  'request-timeout': { type: 'string' },
} as const satisfies Options;

/** Options of the commands that talk to the API. */
export const clientOptions = {
  ...clusterOptions,
  ...serverOptions,
  namespace: { type: 'string', short: 'n' },
} as const satisfies Options;

/** `--rm=false`, `--init=true` as docker takes them; `off` are the flags that say false. */
function withoutTruths(args: readonly string[], options: Options) {
  const off: string[] = [];
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const plain = args.flatMap((arg, index) => {
    const [, name = '', truth = ''] = /^--([\w-]+)=(true|false|t|f|1|0)$/i.exec(arg) ?? [];
    if (index >= end || options[name]?.type !== 'boolean') return [arg];
    if (/^(true|t|1)$/i.test(truth)) return [`--${name}`];
    off.push(name);
    return [];
  });
  return { plain, off };
}

/**
 * Parses options and positionals anywhere on the line. Throws UsageError with `parseArgs`' own words for an unknown
 * option or a missing value.
 */
export function parse<const T extends Options>(args: readonly string[], options: T) {
  try {
    const { plain, off } = withoutTruths(args, options);
    const found = parseArgs({ args: plain, options, allowPositionals: true, strict: true });
    Object.assign(found.values, Object.fromEntries(off.map((name) => [name, false])));
    return found;
  } catch (error) {
    throw new UsageError((error as Error).message.split('. To specify')[0] ?? 'bad arguments');
  }
}

/** Whether `arg` (`-v`, `-it`, `--volume`) is followed by its value as an argument of its own. */
function takesNext(arg: string, options: Options): boolean {
  if (arg.startsWith('--')) return options[arg.slice(2)]?.type === 'string';
  const last = arg.at(-1);
  const flags = [...arg.slice(1, -1)].every((letter) =>
    Object.values(options).some((option) => option.short === letter && option.type === 'boolean'),
  );
  return flags && Object.values(options).some((o) => o.short === last && o.type === 'string');
}

/** Where what belongs to `leading` positionals ends, and how many there are; a `--` ends it too. */
function leadingEnd(args: readonly string[], options: Options, leading: number) {
  let index = 0;
  let positionals = 0;
  while (index < args.length && positionals < leading) {
    const arg = args[index] ?? '';
    if (arg === '--') break;
    if (!arg.startsWith('-') || arg === '-') positionals += 1;
    else if (takesNext(arg, options)) index += 1;
    index += 1;
  }
  return { index, positionals };
}

/** The place of the first word that is no option, nor the value of one; -1 if there is none. */
export function firstWordAt(args: readonly string[], options: Options): number {
  const { index, positionals } = leadingEnd(args, options, 1);
  return positionals === 1 ? index - 1 : -1;
}

/**
 * Like `parse`, but options end after `leading` positionals: what follows belongs to the program to be run
 * (`bay exec -it NAME ls -l`). A `--` ends them too.
 */
export function parseLeading<const T extends Options>(
  args: readonly string[],
  options: T,
  leading: number,
) {
  const { index } = leadingEnd(args, options, leading);
  const { values, positionals: found } = parse(args.slice(0, index), options);
  const rest = args.slice(index);
  return { values, positionals: found, rest: rest[0] === '--' ? rest.slice(1) : rest };
}
