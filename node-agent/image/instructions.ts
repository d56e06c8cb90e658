/** Dockerfile instructions that change an image's configuration: `docker commit --change`, `docker import --change`. Pure. */
import { constants } from 'node:os';
import {
  instructionsOf,
  oneWord,
  VariableError,
  type Variables,
  variablesOf,
  words,
} from './dockerfile-words.ts';

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

const variablesIn = ({ Env }: Config): Variables => variablesOf(stringsOf(Env));

/** `K=V K2="V 2"`, or the old `K V`. */
function pairs(config: Config, text: string, fail: (why: string) => never): [string, string][] {
  const variables = variablesIn(config);
  const all = words(text, variables);
  const [first = ''] = words(text, new Map());
  if (!first.includes('=')) {
    const match = /^(\S+)\s+(.+)$/s.exec(text);
    if (match === null) fail('write NAME=VALUE');
    return [[match?.[1] ?? '', oneWord(match?.[2] ?? '', variables)]];
  }
  return all.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) fail(`'${word}' is not NAME=VALUE`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function withEnv(config: Config, rest: string, fail: (why: string) => never): Config {
  const env = new Map(stringsOf(config['Env']).map((line) => [line.split('=')[0] ?? '', line]));
  for (const [name, value] of pairs(config, rest, fail)) env.set(name, `${name}=${value}`);
  return { ...config, Env: [...env.values()] };
}

function withPorts(config: Config, rest: string, fail: (why: string) => never): Config {
  const ports = { ...mapOf(config['ExposedPorts']) };
  for (const word of words(rest, variablesIn(config))) {
    const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(word);
    const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match === null || from < 1 || to > 65535 || to < from) fail(`'${word}' is not a port`);
    for (let port = from; port <= to; port += 1) ports[`${port}/${match?.[3] ?? 'tcp'}`] = {};
  }
  return { ...config, ExposedPorts: ports };
}

function withVolumes(config: Config, rest: string, fail: (why: string) => never): Config {
  const variables = variablesIn(config);
  const listed = jsonStrings(rest)?.map((path) => oneWord(path, variables));
  const paths = listed ?? words(rest, variables);
  if (paths.length === 0) fail('nothing follows it');
  for (const path of paths) {
    const isBad = !path.startsWith('/') || path.split('/').includes('..');
    if (isBad) fail(`'${path}' is not an absolute path without '..'`);
  }
  const added = Object.fromEntries(paths.map((path) => [path, {}]));
  return { ...config, Volumes: { ...mapOf(config['Volumes']), ...added } };
}

function workingDir(config: Config, text: string): Config {
  const rest = oneWord(text, variablesIn(config));
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
    if (name === 'retries' && !/^\d+$/.test(value)) fail(`'${value}' is not a number`);
    check[field] = name === 'retries' ? Number(value) : duration(value, fail);
    text = text.slice(all.length);
  }
  const match = /^cmd\s+(.+)$/is.exec(text);
  if (match === null) fail('write HEALTHCHECK [--interval=…] CMD COMMAND, or NONE');
  const words = jsonStrings(match?.[1] ?? '');
  const Test = words === undefined ? ['CMD-SHELL', match?.[1]] : ['CMD', ...words];
  return { ...config, Healthcheck: { ...check, Test } };
}

function onBuild(config: Config, rest: string, fail: (why: string) => never): Config {
  const [name = ''] = /^\S+/.exec(rest) ?? [];
  const isNone = /^(onbuild|from|maintainer)$/i.test(name);
  if (isNone) fail(`${name.toUpperCase()} is not allowed as an ONBUILD trigger`);
  return { ...config, OnBuild: [...stringsOf(config['OnBuild']), rest] };
}

function stopSignal(config: Config, text: string, fail: (why: string) => never): Config {
  const signal = oneWord(text, variablesIn(config));
  const name = signal.toUpperCase().replace(/^(SIG)?/, 'SIG');
  const isNumber = /^\d+$/.test(signal) && Number(signal) > 0 && Number(signal) <= 64;
  const isName = name in constants.signals || /^SIGRTM(IN(\+\d+)?|AX(-\d+)?)$/.test(name);
  if (!isNumber && !isName) fail(`'${signal}' is no signal`);
  return { ...config, StopSignal: signal };
}

function shell(config: Config, rest: string, fail: (why: string) => never): Config {
  const Shell = jsonStrings(rest) ?? [];
  if (Shell.length === 0) fail('write SHELL ["executable", "parameter"]');
  return { ...config, Shell };
}

const changes: Readonly<Record<string, Change>> = {
  CMD: (config, rest) => ({ ...config, Cmd: command(config, rest) }),
  ENTRYPOINT: (config, rest) => ({ ...config, Entrypoint: command(config, rest) }),
  ENV: withEnv,
  EXPOSE: withPorts,
  HEALTHCHECK: healthcheck,
  LABEL: (config, rest, fail) => ({
    ...config,
    Labels: { ...mapOf(config['Labels']), ...Object.fromEntries(pairs(config, rest, fail)) },
  }),
  ONBUILD: onBuild,
  SHELL: shell,
  STOPSIGNAL: stopSignal,
  USER: (config, rest) => ({ ...config, User: oneWord(rest, variablesIn(config)) }),
  VOLUME: withVolumes,
  WORKDIR: workingDir,
};

/** One instruction. @throws Error that names it */
function changed(config: Config, instruction: string): { config: Config; name: string } {
  const match = /^([a-z]+)(?:\s+(.*))?$/is.exec(instruction);
  const fail = (why: string): never => {
    throw new Error(`change ${JSON.stringify(instruction)}: ${why}`);
  };
  const name = (match?.[1] ?? '').toUpperCase();
  const known = Object.keys(changes).join(', ');
  const change = changes[name] ?? fail(`it must begin with one of ${known}`);
  const rest = match?.[2] ?? '';
  if (rest === '') fail('nothing follows it');
  try {
    return { config: change(config, rest, fail), name };
  } catch (error) {
    throw error instanceof VariableError ? fail(error.message) : error;
  }
}

const isEmpty = (command: unknown): boolean => stringsOf(command).length === 0;

/** A new entrypoint takes the old arguments away, unless it has its own; what says nothing changes nothing, as docker has it. */
function program(before: Config, after: Config, said: ReadonlySet<string>): Config {
  const { Entrypoint: _, ...others } = after;
  if (said.has('ENTRYPOINT') && !isEmpty(after['Entrypoint'])) {
    return { ...after, Cmd: said.has('CMD') ? after['Cmd'] : null };
  }
  const Cmd = isEmpty(after['Cmd']) ? before['Cmd'] : after['Cmd'];
  const { Entrypoint } = before;
  return { ...others, Cmd, ...(Entrypoint === undefined ? {} : { Entrypoint }) };
}

/**
 * The configuration (Docker's field names: `Cmd`, `Env`, …) after the instructions, in their order; a text may hold several.
 * @throws Error that names the instruction
 */
export function withInstructions(
  config: Config,
  texts: readonly string[],
): Record<string, unknown> {
  let result: Config = config;
  const said = new Set<string>();
  for (const text of texts) {
    const instructions = instructionsOf(text);
    if (instructions.length === 0) {
      throw new Error(`change ${JSON.stringify(text)}: there is no instruction in it`);
    }
    for (const instruction of instructions) {
      const one = changed(result, instruction);
      result = one.config;
      said.add(one.name);
    }
  }
  const isProgram = said.has('CMD') || said.has('ENTRYPOINT');
  return { ...(isProgram ? program(config, result, said) : result) };
}
