/** Containers of one program, made from what the wire says and nothing else; what the program prints is the answer. */

import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import {
  connectSocket,
  openPidfd,
  signalPidfd,
  socketPair,
  waitChild,
} from '#native/descriptors.ts';
import { encodeContainer } from '#native/encode.ts';
import { decodeGate, HandOverError, handOver } from '#native/hand-over.ts';
import {
  mountKind,
  namespaceType,
  type WireContainer,
  type WireMount,
  type WireProcess,
} from '#native/protocol.ts';
import { readMountOptions } from '#node-agent/container/mount-options.ts';
import {
  standardDevices,
  standardLinks,
  standardMounts,
  wireMount,
} from '#node-agent/container/standard-mounts.ts';
import { busyboxLayer } from '../node-agent/container/node.ts';
import { scratch } from '../support/scratch.ts';
import { plainContainer, program } from './plain-container.ts';

const fresh = scratch('wire');
export const layer = busyboxLayer(fresh());
export const newDirectory = fresh;

export const namespaces = (...names: readonly (keyof typeof namespaceType)[]) =>
  names.map((name) => ({ type: namespaceType[name], path: '' }));

const shm = fresh();

/** What a container of ours has, without cgroups. */
export const usualMounts = (change: Partial<Parameters<typeof standardMounts>[0]> = {}) =>
  standardMounts({
    writable: false,
    hierarchies: { v1: {}, v1Mounts: [], v2Controllers: [] },
    cgroup: '',
    shm,
    ttyGid: 5,
    mapped: false,
    ...change,
  });

export type Change = Partial<Omit<WireContainer, 'process'>> & {
  readonly process?: Partial<WireProcess>;
  /** After the usual ones. */
  readonly more?: readonly WireMount[];
};

export function wireContainer(script: string, change: Change = {}): WireContainer {
  const { process, more = [], ...own } = change;
  const directory = fresh();
  for (const name of ['upper', 'work']) mkdirSync(`${directory}/${name}`);
  const usual = usualMounts();
  return {
    ...plainContainer,
    namespaces: namespaces('mount', 'pid', 'ipc', 'uts'),
    layers: [layer],
    upper: `${directory}/upper`,
    work: `${directory}/work`,
    mounts: [...usual, ...more],
    mountsBeforeDevices: usual.length,
    devices: standardDevices,
    links: standardLinks,
    ...own,
    process: program(['sh', '-c', script], process),
  };
}

async function text(descriptor: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of new Socket({ fd: descriptor })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export interface Running {
  readonly pid: number;
  /** All it prints; resolves at its end. */
  readonly output: Promise<string>;
}

/** Starts it. @throws Error that says what could not be done */
export async function start(container: WireContainer): Promise<Running> {
  const directory = fresh();
  const [ours, theirs] = socketPair();
  const empty = openSync('/dev/null', 'r');
  let pid: number;
  try {
    const spec = encodeContainer(container);
    pid = await handOver({ directory, id: 'test', stdio: [empty, theirs, theirs], spec });
  } catch (error) {
    closeSync(ours);
    if (!(error instanceof HandOverError)) throw error;
    throw new Error(`${error.message}: errno ${error.failure.errno}`);
  } finally {
    closeSync(theirs);
    closeSync(empty);
  }
  const gate = new Socket({ fd: connectSocket(directory, 'gate') });
  gate.write('s');
  const chunks: Buffer[] = [];
  for await (const chunk of gate) chunks.push(chunk as Buffer);
  const failure = decodeGate(Buffer.concat(chunks));
  const output = text(ours);
  if (failure === undefined) return { pid, output };
  await waitChild(pid);
  throw new Error(`${failure.what} ${failure.path}: errno ${failure.errno}`);
}

/** Runs a shell script in it to its end; the lines it printed. */
export async function run(script: string, change: Change = {}): Promise<string[]> {
  const { pid, output } = await start(wireContainer(script, change));
  const said = await output;
  await waitChild(pid);
  return said.split('\n').filter((line) => line !== '');
}

/** A mount as a bundle writes it. */
export function mount(type: string, source: string, target: string, ...words: string[]): WireMount {
  const { bind, remount, data, ...asked } = readMountOptions(words);
  const kind = remount ? mountKind.remount : bind ? mountKind.bind : mountKind.filesystem;
  return wireMount({
    ...asked,
    kind,
    type: kind === mountKind.filesystem ? type : '',
    source,
    target,
    options: data,
  });
}

/** A directory with a file in it, and a file system with another below it. */
export function tree(teardown: (done: () => void) => void): string {
  const directory = newDirectory();
  writeFileSync(`${directory}/file`, 'of the host\n');
  mkdirSync(`${directory}/below`);
  execFileSync('mount', ['-t', 'tmpfs', 'below', `${directory}/below`]);
  writeFileSync(`${directory}/below/deep`, 'deep\n');
  teardown(() => execFileSync('umount', ['-l', `${directory}/below`]));
  return directory;
}

/** Prints every namespace the program is in. */
export const links = 'cd /proc/self/ns; for n in *; do echo $n $(readlink $n); done';
export const seen = (lines: readonly string[]): Map<string, string> =>
  new Map(lines.map((line) => line.split(' ') as [string, string]));

/** Ends it. */
export async function end({ pid }: Running): Promise<void> {
  const pidfd = openPidfd(pid);
  signalPidfd(pidfd, 9);
  closeSync(pidfd);
  await waitChild(pid);
}
