/** Dockerfile instructions that change an image's configuration: `docker commit --change`, `docker import --change`. Pure. */

type Config = Readonly<Record<string, unknown>>;
type Change = (config: Config, rest: string, fail: (why: string) => never) => Config;

const stringsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
const mapOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** `["a", "b"]`, or undefined for anything else. */
function jsonStrings(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isStrings = Array.isArray(value) && value.every((each) => typeof each === 'string');
    return isStrings ? (value as string[]) : undefined;
  } catch {
    return undefined;
  }
}

/** A command: JSON as it is, text through the image's shell. */
function command({ Shell }: Config, text: string): string[] {
  const shell = stringsOf(Shell);
  return jsonStrings(text) ?? [...(shell.length > 0 ? shell : ['/bin/sh', '-c']), text];
}

/** Words as a shell splits them: quotes keep together, a backslash keeps the next character. */
export function words(text: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length; i += 1) {
    const letter = text[i] ?? '';
    if (letter === '\\' && quote !== "'" && i + 1 < text.length) word = `${word ?? ''}${text[++i]}`;
    else if (quote !== '') {
      if (letter === quote) quote = '';
      else word = `${word ?? ''}${letter}`;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else word = `${word ?? ''}${letter}`;
  }
  if (word !== undefined) found.push(word);
  return found;
}

/** `K=V K2="V 2"`, or the old `K V`. */
function pairs(text: string, fail: (why: string) => never): [string, string][] {
  const all = words(text);
  const [first = ''] = all;
  if (!first.includes('=')) {
    const match = /^(\S+)\s+(.+)$/s.exec(text);
    if (match === null) fail('write NAME=VALUE');
    return [[match?.[1] ?? '', match?.[2] ?? '']];
  }
  return all.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) fail(`'${word}' is not NAME=VALUE`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function withEnv(config: Config, rest: string, fail: (why: string) => never): Config {
  const env = new Map(stringsOf(config['Env']).map((line) => [line.split('=')[0] ?? '', line]));
  for (const [name, value] of pairs(rest, fail)) env.set(name, `${name}=${value}`);
  return { ...config, Env: [...env.values()] };
}

function withPorts(config: Config, rest: string, fail: (why: string) => never): Config {
  const ports = { ...mapOf(config['ExposedPorts']) };
  for (const word of words(rest)) {
    const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(word);
    const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match === null || from < 1 || to > 65535 || to < from) fail(`'${word}' is not a port`);
    for (let port = from; port <= to; port += 1) ports[`${port}/${match?.[3] ?? 'tcp'}`] = {};
  }
  return { ...config, ExposedPorts: ports };
}

function withVolumes(config: Config, rest: string, fail: (why: string) => never): Config {
  const paths = jsonStrings(rest) ?? words(rest);
  for (const path of paths) {
    const isBad = !path.startsWith('/') || path.split('/').includes('..');
    if (isBad) fail(`'${path}' is not an absolute path without '..'`);
  }
  const added = Object.fromEntries(paths.map((path) => [path, {}]));
  return { ...config, Volumes: { ...mapOf(config['Volumes']), ...added } };
}

function workingDir(config: Config, rest: string): Config {
  const old = typeof config['WorkingDir'] === 'string' ? config['WorkingDir'] : '';
  const joined = rest.startsWith('/') ? rest : `${old === '' ? '/' : old}/${rest}`;
  const parts: string[] = [];
  for (const part of joined.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return { ...config, WorkingDir: `/${parts.join('/')}` };
}

const units: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go's durations (`1m30s`) in nanoseconds. */
function duration(text: string, fail: (why: string) => never): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== text)
    fail(`'${text}' is not a duration such as 30s`);
  return parts.reduce((sum, [, n, unit = 's']) => sum + Number(n) * (units[unit] ?? 0), 0);
}

const flags: Readonly<Record<string, string>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
  retries: 'Retries',
};

function healthcheck(config: Config, rest: string, fail: (why: string) => never): Config {
  if (/^none$/i.test(rest)) return { ...config, Healthcheck: { Test: ['NONE'] } };
  const check: Record<string, unknown> = {};
  let text = rest;
  for (;;) {
    const flag = /^--([a-z-]+)=(\S+)\s+/.exec(text);
    if (flag === null) break;
    const [all, name = '', value = ''] = flag;
    const field = flags[name] ?? fail(`unknown flag --${name}`);
    check[field] = name === 'retries' ? Number(value) : duration(value, fail);
    text = text.slice(all.length);
  }
  const match = /^cmd\s+(.+)$/is.exec(text);
  if (match === null) fail('write HEALTHCHECK [--interval=…] CMD COMMAND, or NONE');
  const words = jsonStrings(match?.[1] ?? '');
  const Test = words === undefined ? ['CMD-SHELL', match?.[1]] : ['CMD', ...words];
  return { ...config, Healthcheck: { ...check, Test } };
}

const changes: Readonly<Record<string, Change>> = {
  CMD: (config, rest) => ({ ...config, Cmd: command(config, rest) }),
  // A new entrypoint takes the old one's arguments away, as in a Dockerfile.
  ENTRYPOINT: (config, rest) => ({ ...config, Entrypoint: command(config, rest), Cmd: null }),
  ENV: withEnv,
  EXPOSE: withPorts,
  HEALTHCHECK: healthcheck,
  LABEL: (config, rest, fail) => ({
    ...config,
    Labels: { ...mapOf(config['Labels']), ...Object.fromEntries(pairs(rest, fail)) },
  }),
  ONBUILD: (config, rest) => ({ ...config, OnBuild: [...stringsOf(config['OnBuild']), rest] }),
  SHELL: (config, rest, fail) => ({
    ...config,
    Shell: jsonStrings(rest) ?? fail('write SHELL ["executable", "parameter"]'),
  }),
  STOPSIGNAL: (config, rest) => ({ ...config, StopSignal: rest }),
  USER: (config, rest) => ({ ...config, User: rest }),
  VOLUME: withVolumes,
  WORKDIR: workingDir,
};

/**
 * The configuration (Docker's field names: `Cmd`, `Env`, …) after the instructions, in their order.
 * @throws Error that names the instruction
 */
export function withInstructions(
  config: Config,
  instructions: readonly string[],
): Record<string, unknown> {
  let result: Config = config;
  for (const instruction of instructions) {
    const match = /^\s*([a-z]+)\s+(.*?)\s*$/is.exec(instruction);
    const fail = (why: string): never => {
      throw new Error(`change ${JSON.stringify(instruction)}: ${why}`);
    };
    const name = (match?.[1] ?? '').toUpperCase();
    const known = Object.keys(changes).join(', ');
    const change = changes[name] ?? fail(`it must begin with one of ${known}`);
    const rest = match?.[2] ?? '';
    if (rest === '') fail('nothing follows it');
    result = change(result, rest, fail);
  }
  return { ...result };
}
