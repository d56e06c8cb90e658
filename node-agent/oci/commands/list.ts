/** `list`: the containers of a root. */

import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { parseFlags, UsageError } from '../arguments.ts';
import type { Globals } from '../globals.ts';
import { idsIn, peek } from '../state.ts';
import { statusOf } from '../status.ts';

interface Row {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly owner: string;
}

/** By name where it is root or ourselves; others' are in files that are not read. */
function ownerOf(directory: string): string {
  const { uid } = statSync(directory);
  if (uid === 0) return 'root';
  try {
    const self = userInfo();
    return self.uid === uid ? self.username : `#${uid}`;
  } catch {
    return `#${uid}`; // one without a name
  }
}

async function rowOf(root: string, id: string): Promise<Row | undefined> {
  try {
    const { directory, state } = peek(root, id);
    const status = await statusOf(directory, state);
    const { ociVersion, bundle, rootfs, created } = state;
    const pid = status === 'stopped' ? 0 : (state.init?.pid ?? 0);
    return { ociVersion, id, pid, status, bundle, rootfs, created, owner: ownerOf(directory) };
  } catch {
    return; // being made, or just deleted
  }
}

function table(rows: readonly Row[]): string {
  const head = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'];
  const lines = [
    head,
    ...rows.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      bundle,
      created,
      owner,
    ]),
  ];
  const widths = head.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const show = (line: readonly string[]) =>
    line.map((cell, at) => cell.padEnd((widths[at] ?? 0) + 3)).join('');
  return lines.map((line) => `${show(line).trimEnd()}\n`).join('');
}

export async function run({ root }: Globals, words: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(words, {
    format: { kind: 'text', short: 'f' },
    quiet: { kind: 'on', short: 'q' },
  });
  if (rest.length > 0) throw new UsageError(`expected nothing, found ${rest.join(' ')}`);
  const found = await Promise.all(idsIn(root).map((id) => rowOf(root, id)));
  const rows = found.filter((row) => row !== undefined);
  if (flags.quiet) process.stdout.write(rows.map(({ id }) => `${id}\n`).join(''));
  else if (flags.format === 'json') process.stdout.write(`${JSON.stringify(rows)}\n`);
  else if ((flags.format ?? 'table') === 'table') process.stdout.write(table(rows));
  else throw new UsageError(`--format: expected table or json, found ${flags.format}`);
  return 0;
}
