/** Starts one of our own Node programs as a child that ends with its parent. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { programPath } from '../program-path.ts';
import type { Running } from './keeper.ts';

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

export type Program = 'api/main.ts' | 'controller/main.ts' | 'node-agent/main.ts';

/**
 * MiB of V8's young generation, each of two halves: small ones save memory that parts at rest would keep, and what they
 * keep is given back (`api/resources/rest.ts`). The API server's is larger: what some dozens of requests under way hold fills
 * a small one, and is copied at each collection and then kept: with 16 instead of 4 a create costs a quarter less, and memory
 * at rest is the same. So small a generation one thread collects with less work than several. The old generation is collected
 * when it has grown by 70 percent (V8 lets a growing one become several times what it holds): a quarter less memory with
 * thousands of pods, for 3 percent of the processor. The same as in `setup.mjs` but for the size, which cached code does not
 * depend on: code cached under other flags is compiled anew.
 */
export const heapFlags = (program?: Program): readonly string[] => [
  '--expose-gc',
  `--max-semi-space-size=${program === 'api/main.ts' ? 16 : 2}`,
  '--no-parallel-scavenge',
  '--heap-growing-percent=70',
];

/** A program that has loaded its code, or is about to, and waits. */
export interface Held extends Running {
  /** Its configuration file is written: it goes to work. */
  release(): void;
}

interface Surroundings {
  readonly logPath: string;
  readonly stdin: 'ignore' | 'pipe';
  /** The network namespace; absent: ours. */
  readonly netns?: string | undefined;
}

/** The program with its standard input as told; it gets a session of its own so that Ctrl-C in a terminal reaches us alone. */
async function launch(
  program: Program,
  args: readonly string[],
  { logPath, stdin, netns }: Surroundings,
): Promise<{ child: ChildProcess; running: Running }> {
  const log = openSync(logPath, 'a', 0o600);
  const node = [process.execPath, ...heapFlags(program), programPath(program), ...args];
  const bound = ['setpriv', '--pdeathsig', 'TERM', ...node];
  const [command = '', ...rest] =
    netns === undefined ? bound : ['nsenter', `--net=${netns}`, ...bound];
  const child = spawn(command, rest, {
    cwd: '/',
    detached: true,
    stdio: [stdin, log, log],
  });
  closeSync(log);
  const exited = new Promise<number>((done) => {
    child.on('exit', (code, signal) => done(exitCodeOf(code, signal)));
  });
  await new Promise<void>((done, fail) => {
    child.on('spawn', done);
    child.on('error', (error) => {
      fail(new Error(`start ${program} through ${command}: ${error.message}`, { cause: error }));
    });
  });
  const running = { pid: child.pid ?? 0, exited, stop: () => stopChild(child, exited) };
  return { child, running };
}

/**
 * Runs `program` (a path below the project, `api/main.ts`) with the configuration file as its one argument; what it
 * writes is appended to `logPath`. It gets SIGTERM when this process dies (PR_SET_PDEATHSIG, set by setpriv).
 */
export async function startNodeProgram(
  program: Program,
  configPath: string,
  logPath: string,
  netns?: string,
): Promise<Running> {
  const surroundings = { logPath, stdin: 'ignore', netns } as const;
  return (await launch(program, [configPath], surroundings)).running;
}

/** The same, before the configuration file is there: the program loads its code and waits for `release`. */
export async function holdNodeProgram(
  program: Program,
  configPath: string,
  logPath: string,
): Promise<Held> {
  const { child, running } = await launch(program, [configPath, '--held'], {
    logPath,
    stdin: 'pipe',
  });
  // It may have ended before it was released: whoever waits for its end is told.
  child.stdin?.on('error', () => {});
  return { ...running, release: () => void child.stdin?.end() };
}
