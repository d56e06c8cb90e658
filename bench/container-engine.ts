/** What the benchmark of the runtime does with ours and with others. Times are in milliseconds. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';

export interface Engine {
  readonly name: string;
  /** How many starts its figures are taken from: as many as it does in a few seconds. */
  readonly rounds: number;
  /** A container that says when it began, from the call on; all of it is gone when this resolves. */
  run(): Promise<{ readonly first: number; readonly whole: number }>;
  /** A container that sleeps. */
  hold(): Promise<Held>;
  /** 100 MB of lines through the engine's own log; absent: it has none. */
  readonly logs?: () => Promise<number>;
  close(): Promise<void>;
}

export interface Held {
  /** From the call to the first instruction. */
  exec(): Promise<number>;
  pause(): Promise<number>;
  resume(): Promise<unknown>;
  /** From the call until it has ended. */
  kill(): Promise<number>;
  /** Private memory, in KiB, of the processes that stay beside it. */
  beside(): number;
  remove(): Promise<unknown>;
}

export const nowNs = (): bigint => process.hrtime.bigint();
export const sinceMs = (before: bigint): number => Number(nowNs() - before) / 1e6;

/** Milliseconds from `before` to the time that the stamp program printed last. */
export const stampedMs = (text: string, before: bigint): number =>
  Number(BigInt(text.trim().split(/\s+/).at(-1) ?? 0) - before) / 1e6;

/** A root file system with `stamp`, `lines` and `sleep`. */
export function makeRootfs(rootfs: string): void {
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc', 'run', 'tmp'])
    mkdirSync(`${rootfs}/${name}`, { recursive: true });
  for (const [program, source, ...options] of [
    ['stamp', 'monotonic-stamp.c', '-nostdlib', '-fno-stack-protector'],
    ['lines', 'write-lines.c'],
  ]) {
    const path = `${import.meta.dirname}/${source}`;
    execFileSync('gcc', ['-O2', '-static', ...options, '-o', `${rootfs}/bin/${program}`, path]);
  }
  copyFileSync('/bin/busybox', `${rootfs}/bin/sleep`);
}

/** KiB that a process has for itself. */
export function privateKib(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return field('Private_Clean') + field('Private_Dirty');
}
