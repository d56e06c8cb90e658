/**
 * The embedded etcd: one member as a child process on Unix sockets in its own data directory. No TCP port, no TLS: who may
 * enter the directory (mode 0700) may speak to it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants as fsConstants,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { claimDirectory, freeDirectory, releaseDirectory } from './etcd-directory.ts';
import { removeUnborn } from './etcd-unborn.ts';

export interface StartEtcdOptions {
  /** Made with mode 0700 if it is missing. Its path must leave room for a socket's name: 91 bytes at most. */
  readonly dataDir: string;
  /** The program; default: `etcd` on the PATH. */
  readonly binary?: string;
}

export interface EtcdProcess {
  /** What `connectEtcd` takes: `unix:/abs/localhost:12379`. */
  readonly endpoint: string;
  readonly pid: number;
  /** Resolves with the exit code when it has ended; 128 + the signal's number if a signal ended it. */
  readonly exited: Promise<number>;
  /** Ends it: SIGTERM, after `stopTimeoutMs` SIGKILL. Resolves when it has ended. */
  stop(): Promise<void>;
}

const clientSocket = 'localhost:12379';
const peerSocket = 'localhost:12380';
/** `sun_path` holds 108 bytes with the closing zero. */
const socketPathBytesMax = 107;
const stopTimeoutMs = 5000;
const logBytesMax = 2 ** 20;

/**
 * Understood by 3.4 to 3.6. With the default heartbeat and election timeouts (100 ms, 1 s), made for networks, a lone
 * member needs 0.5 to 2 s to elect itself; with 40 and 200 it takes 0.06 to 0.35 s. Shorter ones start in 0.04 to
 * 0.18 s, but every heartbeat interval is a wake-up: 20 ms cost a third more CPU when idle (measured: 13 against
 * 9 ms per s). A lower snapshot count keeps fewer raft entries in memory.
 */
const flags = [
  ...['--name', 'default', '--data-dir', 'data'],
  ...['--listen-client-urls', `unix://${clientSocket}`],
  ...['--advertise-client-urls', `http://127.0.0.1:12379`],
  ...['--listen-peer-urls', `unix://${peerSocket}`],
  ...['--initial-advertise-peer-urls', 'http://127.0.0.1:12380'],
  ...['--initial-cluster', 'default=http://127.0.0.1:12380'],
  ...['--heartbeat-interval', '40', '--election-timeout', '200'],
  ...['--snapshot-count', '2000', '--quota-backend-bytes', String(8 * 2 ** 30)],
  ...['--logger', 'zap', '--log-level', 'warn'],
];

/** Half of Go's default head room: 20 MB less after 20,000 writes of 3 kB, at the same rate. */
const environment = { GOGC: '50' };

/**
 * Starts etcd and resolves once the process runs; it answers some 100 ms later (`connectEtcd` waits for that). It ends
 * when this process ends, however that happens. Rejects if the program is missing, if the path is too long, or if
 * another cluster runs on the directory.
 */
export async function startEtcd(options: StartEtcdOptions): Promise<EtcdProcess> {
  const dataDir = resolve(options.dataDir);
  const socket = join(dataDir, clientSocket);
  if (Buffer.byteLength(socket) > socketPathBytesMax) {
    throw new Error(
      `the data directory ${dataDir} is too long for a Unix socket in it: ` +
        `${socket} may have ${socketPathBytesMax} bytes at most; use a shorter path`,
    );
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  await freeDirectory(dataDir);
  removeUnborn(join(dataDir, 'data'));
  for (const name of [clientSocket, peerSocket]) rmSync(join(dataDir, name), { force: true });
  const child = await launch(dataDir, pathOf(options.binary ?? 'etcd'));
  const pid = child.pid ?? 0;
  claimDirectory(dataDir, pid);
  const exited = new Promise<number>((done) => {
    child.once('exit', (code, signal) => {
      releaseDirectory(dataDir, pid);
      done(code ?? 128 + (signal === null ? 0 : (constants.signals[signal] ?? 0)));
    });
  });
  return { endpoint: `unix:${socket}`, pid, exited, stop: () => stop(child, exited) };
}

async function stop(child: ChildProcess, exited: Promise<number>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(timer);
}

/** Rejects if the program cannot be started. */
async function launch(dataDir: string, binary: string): Promise<ChildProcess> {
  const log = openLog(join(dataDir, 'etcd.log'));
  try {
    const [program = binary, ...args] = [...diesWithParent(), binary, ...flags];
    const child = spawn(program, args, {
      cwd: dataDir,
      // A session of its own: Ctrl-C in the terminal is for the parent, which stops its parts in order.
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...environment, ...process.env },
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(cannotStart(binary, cause)));
    });
    return child;
  } finally {
    closeSync(log);
  }
}

function cannotStart(binary: string, cause: unknown): Error {
  const hint = 'install the package etcd-server, or give the path of an etcd 3.4 to 3.6';
  return new Error(`cannot start ${binary}: ${String(cause)}; ${hint}`, { cause });
}

/** `setpriv` of util-linux has the kernel end etcd when its parent dies; without it the pid file has to do. */
function diesWithParent(): string[] {
  const setpriv = findOnPath('setpriv');
  return setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'TERM', '--'];
}

function pathOf(binary: string): string {
  const path = binary.includes('/') ? resolve(binary) : findOnPath(binary);
  if (path === undefined) throw cannotStart(binary, 'it is not on the PATH');
  return path;
}

function findOnPath(name: string): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, fsConstants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** For appending; a log that has grown large is kept as `….1`, the one before that is dropped. */
function openLog(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > logBytesMax) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}
