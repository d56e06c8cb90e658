/** What a command line says about variables: `NAME=VALUE`, `NAME-`, and `-` for lines of standard input. */
import { text } from 'node:stream/consumers';
import type { JsonObject } from '#api/resources/json.ts';
import { UsageError } from '../arguments.ts';

export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: JsonObject;
}

export interface EnvChange {
  readonly set: readonly Variable[];
  readonly remove: ReadonlySet<string>;
}

export const isEnvWord = (word: string): boolean =>
  word.includes('=') || (word.length > 1 && word.endsWith('-'));

async function lines(): Promise<string[]> {
  const all = (await text(process.stdin)).split('\n').map((line) => line.trimStart());
  return all.filter((line) => line !== '' && !line.startsWith('#'));
}

/** kubectl's rule, narrower than the server's: what is set by hand is meant to be a shell's. */
function checkName(name: string): void {
  const dots = name === '.' || name.startsWith('..');
  if (/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) && !dots) return;
  const why = dots
    ? "must not be '.' and must not start with '..'"
    : "it consists of letters, digits, '_', '-' and '.', and does not start with a digit";
  throw new UsageError(`"${name}" is not a valid key name: ${why}`);
}

/** @throws UsageError for a name that is none, or that is set and removed */
export async function envChangeOf(words: readonly string[]): Promise<EnvChange> {
  const read = words.includes('-') ? await lines() : [];
  const set = new Map<string, Variable>();
  const remove = new Set<string>();
  for (const word of [...words.filter((one) => one !== '-'), ...read]) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(0, -1) : word.slice(0, equals);
    if (equals < 0 && !word.endsWith('-')) {
      throw new UsageError(`environment variables must be of the form key=value: '${word}'`);
    }
    if (equals < 0) remove.add(name);
    else {
      checkName(name);
      // Empty is what nothing is, too, and is not written.
      const value = word.slice(equals + 1);
      set.set(name, value === '' ? { name } : { name, value });
    }
  }
  for (const name of set.keys()) {
    if (!remove.has(name)) continue;
    throw new UsageError(
      `can't both set and remove an environment variable in the same command: '${name}'`,
    );
  }
  return { set: [...set.values()], remove };
}
