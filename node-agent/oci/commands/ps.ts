/** `ps ID`: the container's processes, as JSON numbers or as the lines of ps(1) that are theirs. */

import { execFileSync } from 'node:child_process';
import { parseFlags, UsageError } from '../arguments.ts';
import { pidsOf } from '../cgroups.ts';
import type { Globals } from '../globals.ts';
import { peek } from '../state.ts';

function table(pids: readonly number[], flags: readonly string[]): string {
  const [head = '', ...lines] = execFileSync('ps', flags, { encoding: 'utf8' }).split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new Error(`ps ${flags.join(' ')} shows no column PID`);
  const wanted = new Set(pids.map(String));
  const theirs = lines.filter((line) => wanted.has(line.trim().split(/\s+/)[column] ?? ''));
  return [head, ...theirs, ''].join('\n');
}

export async function run({ root }: Globals, words: readonly string[]): Promise<number> {
  const kinds = { format: { kind: 'text', short: 'f' } } as const;
  const { flags, rest } = parseFlags(words, kinds, 'first');
  const [id, ...psFlags] = rest;
  if (id === undefined) throw new UsageError('expected the id of a container');
  const pids = await pidsOf(peek(root, id).state);
  if (flags.format === 'json') process.stdout.write(`${JSON.stringify(pids)}\n`);
  else if ((flags.format ?? 'table') !== 'table')
    throw new UsageError(`--format: expected table or json, found ${flags.format}`);
  else process.stdout.write(table(pids, psFlags.length === 0 ? ['-ef'] : psFlags));
  return 0;
}
