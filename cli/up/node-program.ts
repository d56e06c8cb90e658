/** Starts one of our own Node programs as a child that ends with its parent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import type { Running } from './keeper.ts';

const home = resolve(import.meta.dirname, '../..');
/** A clean stop may take this long before SIGKILL. */
const stopGraceMs = 20_000;

const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

async function stopChild(child: ChildProcess, exited: Promise<number>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopGraceMs);
  await exited;
  clearTimeout(timer);
}

/**
 * MiB of V8's young generation, each of two halves: small ones save memory that parts at rest would keep, and what they
 * keep is given back (`api/resources/rest.ts`). The same as in `bay` and `setup.mjs`: code cached under other flags is
 * compiled anew.
 */
export const heapFlags: readonly string[] = ['--expose-gc', '--max-semi-space-size=2'];

/**
 * Runs `program` (a path below the project, `api/main.ts`) with the configuration file as its one argument; what it
 * writes is appended to `logPath`. It gets SIGTERM when this process dies (PR_SET_PDEATHSIG, set by setpriv), and a
 * session of its own so that Ctrl-C in a terminal reaches us alone.
 */
export async function startNodeProgram(
  program: 'api/main.ts' | 'controller/main.ts' | 'node-agent/main.ts',
  configPath: string,
  logPath: string,
): Promise<Running> {
  const log = openSync(logPath, 'a', 0o600);
  const node = [process.execPath, ...heapFlags, resolve(home, program), configPath];
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...node], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const exited = new Promise<number>((done) => {
    child.on('exit', (code, signal) => done(exitCodeOf(code, signal)));
  });
  await new Promise<void>((done, fail) => {
    child.on('spawn', done);
    child.on('error', (error) => {
      fail(new Error(`start ${program} through setpriv: ${error.message}`, { cause: error }));
    });
  });
  return { pid: child.pid ?? 0, exited, stop: () => stopChild(child, exited) };
}
