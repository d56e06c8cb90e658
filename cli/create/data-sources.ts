/** The data of config maps and secrets: from files, directories, literals and files of variables. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UsageError } from '../arguments.ts';
import { listOf } from './kind.ts';

/** Flags that say where the data comes from. */
export const dataFlags = {
  'from-file': { type: 'string', multiple: true },
  'from-literal': { type: 'string', multiple: true },
  'from-env-file': { type: 'string', multiple: true },
  'append-hash': { type: 'boolean' },
} as const;

export interface DataSources {
  readonly 'from-file'?: readonly string[] | undefined;
  readonly 'from-literal'?: readonly string[] | undefined;
  readonly 'from-env-file'?: readonly string[] | undefined;
}

const keyRule =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const variableRule =
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')";

/** The file's bytes. @throws Error in kubectl's words */
function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw readError(path, error);
  }
}

function readError(path: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'no such file or directory' : message;
  return new Error(`error reading ${path}: ${why}`, { cause: error });
}

/** `PATH` or `KEY=PATH`; of a directory each file in it whose name can be a key. */
function filesOf(source: string): [key: string, path: string][] {
  const parts = source.split('=');
  const [first = '', second = ''] = parts;
  if (parts.length > 2) {
    throw new UsageError("key names or file paths cannot contain '='");
  }
  const isNamed = parts.length === 2;
  if (isNamed && first === '') {
    throw new UsageError(`key name for file path ${second} missing`);
  }
  if (isNamed && second === '') {
    throw new UsageError(`file path for key name ${first} missing`);
  }
  const path = isNamed ? second : first;
  if (!isDirectory(path)) return [[isNamed ? first : basename(path), path]];
  if (isNamed) throw new UsageError('cannot give a key name for a directory path');
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }): [string, string] => [name, join(path, name)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw readError(path, error);
  }
}

function literalOf(source: string): [key: string, bytes: Buffer] {
  const equals = source.indexOf('=');
  if (equals < 1) throw new UsageError(`invalid literal source ${source}, expected key=value`);
  return [source.slice(0, equals), Buffer.from(source.slice(equals + 1))];
}

/** Lines of `KEY=VALUE`; `KEY` alone takes this process's own variable. */
function variablesOf(path: string): [key: string, bytes: Buffer][] {
  const lines = bytesOf(path)
    .toString()
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  return lines.flatMap((line): [string, Buffer][] => {
    const text = line.trimStart();
    if (text === '' || text.startsWith('#')) return [];
    const equals = text.indexOf('=');
    const key = equals < 0 ? text : text.slice(0, equals);
    if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(key)) {
      throw new UsageError(`"${key}" is not a valid key name: ${variableRule}`);
    }
    const value = equals < 0 ? (process.env[key] ?? '') : text.slice(equals + 1);
    return [[key, Buffer.from(value)]];
  });
}

/** Wordings that differ between the kinds. */
export interface DataWords {
  /** `ConfigMap`, after "is not a valid key name for a". */
  readonly invalid: (key: string) => string;
  readonly twice: (key: string) => string;
}

/** All keys with their bytes. @throws UsageError or Error in kubectl's words */
export function readData(sources: DataSources, words: DataWords): Map<string, Buffer> {
  const { 'from-file': files, 'from-literal': literals = [], 'from-env-file': envs } = sources;
  if (envs !== undefined && (files !== undefined || literals.length > 0)) {
    throw new UsageError('from-env-file cannot be combined with from-file or from-literal');
  }
  const data = new Map<string, Buffer>();
  const add = (key: string, bytes: Buffer) => {
    if (!/^[-._a-zA-Z0-9]+$/.test(key)) throw new UsageError(`${words.invalid(key)} ${keyRule}`);
    if (data.has(key)) throw new UsageError(words.twice(key));
    data.set(key, bytes);
  };
  for (const source of literals) add(...literalOf(source));
  for (const [key, path] of listOf(files).flatMap(filesOf)) add(key, bytesOf(path));
  for (const [key, bytes] of listOf(envs).flatMap(variablesOf)) add(key, bytes);
  return data;
}
