/** The program, who runs it and what it finds in its environment. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../arguments.ts';
import type { Container } from '../container.ts';
import type { RunFlags } from './flags.ts';
import { integer, pair, some, someOf } from './values.ts';

type Spec = Container['spec'];

/** The lines of a file of `NAME=value` that say something, with where they are. */
function entriesOf(flag: string, path: string): { place: string; entry: string }[] {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`${flag} ${path}: ${(cause as Error).message}`);
  }
  return content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line, index) => ({ place: `${path}:${index + 1}`, entry: line.trimStart() }))
    .filter(({ entry }) => entry !== '' && !entry.startsWith('#'));
}

/** `A=b`, or `A` for the value of our own environment; an unset one is left out, as docker does. */
export function environment(
  flags: Pick<RunFlags, 'env' | 'env-file'>,
): { name: string; value: string }[] {
  const found = new Map<string, string>();
  const take = (where: string, entry: string) => {
    const [name, value] = pair(where, entry);
    if (/\s/.test(name)) throw new UsageError(`${where} '${entry}': a name has no spaces`);
    const wanted = entry.includes('=') ? value : process.env[name];
    if (wanted !== undefined) found.set(name, wanted);
  };
  for (const path of flags['env-file'] ?? []) {
    for (const { place, entry } of entriesOf('--env-file', path)) take(place, entry);
  }
  for (const entry of flags.env ?? []) take('-e', entry);
  return [...found].map(([name, value]) => ({ name, value }));
}

function labels(flags: RunFlags): Record<string, string> | undefined {
  const ofFiles = (flags['label-file'] ?? []).flatMap((path) =>
    entriesOf('--label-file', path).map(({ place, entry }) => pair(place, entry)),
  );
  const all = [...ofFiles, ...(flags.label ?? []).map((entry) => pair('-l', entry))];
  return all.length === 0 ? undefined : Object.fromEntries(all);
}

const limitNames = [
  ...['core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc'],
  ...['rss', 'rtprio', 'rttime', 'sigpending', 'stack'],
];

/** `nofile=1024`, `nofile=1024:2048`; `-1` and `unlimited` are without limit. */
function ulimit(entry: string): { name: string; soft: number; hard: number } {
  const [name, value] = pair('--ulimit', entry);
  if (!limitNames.includes(name)) {
    throw new UsageError(`--ulimit '${entry}': ${name} is none of ${limitNames.join(', ')}`);
  }
  const [softer = '', harder = softer, more] = value.split(':');
  if (more !== undefined) throw new UsageError(`--ulimit '${entry}': write NAME=SOFT[:HARD]`);
  const number = (text: string) =>
    text === 'unlimited' ? -1 : integer('--ulimit', text, { least: -1 });
  const [soft, hard] = [number(softer), number(harder)];
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw new UsageError(`--ulimit '${entry}': the soft limit is above the hard one`);
  }
  return { name, soft, hard };
}

/** An entry point that is empty is none, the image's neither: the command is the program. */
function program(flags: RunFlags, command: readonly string[]): Pick<Spec, 'command' | 'args'> {
  if (flags.entrypoint === undefined) return someOf('args', command);
  if (flags.entrypoint !== '') {
    return { command: [flags.entrypoint], ...someOf('args', command) };
  }
  if (command.length === 0) throw new UsageError("--entrypoint '': name the program to run");
  return { command: [...command] };
}

/** Docker's rule and words. */
function workingDir({ workdir }: RunFlags): string | undefined {
  if (workdir === undefined || workdir.startsWith('/')) return workdir;
  throw new UsageError(
    `the working directory '${workdir}' is invalid, it needs to be an absolute path (--workdir)`,
  );
}

export function processFields(flags: RunFlags, command: readonly string[]): Partial<Spec> {
  return {
    ...program(flags, command),
    ...someOf('env', environment(flags)),
    ...some('workingDir', workingDir(flags)),
    ...some('user', flags.user),
    ...someOf('groups', [...new Set(flags['group-add'])]),
    ...(flags.init === true ? { init: true } : {}),
    ...someOf('ulimits', [
      ...new Map((flags.ulimit ?? []).map(ulimit).map((one) => [one.name, one])).values(),
    ]),
    ...some('labels', labels(flags)),
    ...(flags.tty === true ? { tty: true } : {}),
    ...(flags.interactive === true ? { stdin: true } : {}),
    // The end of a pipe is the program's end of input; a terminal's keys say theirs.
    ...(flags.interactive === true && flags.tty !== true && flags.detach !== true
      ? { stdinOnce: true }
      : {}),
  };
}
