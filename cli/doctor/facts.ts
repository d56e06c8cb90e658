/** What a machine says of itself; nothing is changed. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { freemem, release } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Cluster, readSettings, readUpState } from '../cluster.ts';
import { openClient } from '../connection.ts';
import { errorText } from '../errors.ts';
import { isFree } from '../up/ports.ts';
import type { Facts } from './judge.ts';

const run = promisify(execFile);

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const words = (line: string): string[] => line.split(/\s+/).filter(Boolean);

/** Mounted hierarchies of version 1, by their options. */
function cgroup1(): string[] {
  return text('/proc/self/mounts')
    .split('\n')
    .map(words)
    .filter(([, , type]) => type === 'cgroup')
    .flatMap(([, , , options = '']) => options.split(','));
}

function cgroup2(): string[] {
  const at = text('/proc/self/mounts')
    .split('\n')
    .map(words)
    .find(([, , type]) => type === 'cgroup2')?.[1];
  return at === undefined ? [] : words(text(join(at, 'cgroup.controllers')));
}

const sysctlNames = [
  'fs.inotify.max_user_instances',
  'fs.inotify.max_user_watches',
  'kernel.pid_max',
  'fs.file-max',
  'user.max_user_namespaces',
];

function sysctls(): Record<string, string | undefined> {
  const read = (name: string) => text(`/proc/sys/${name.replaceAll('.', '/')}`).trim() || undefined;
  return Object.fromEntries(sysctlNames.map((name) => [name, read(name)]));
}

/** The first line of what it says of its version. */
async function version(program: string, flag: string): Promise<string | undefined> {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
  try {
    const { stdout } = await run(program, [flag], { env, timeout: 5_000 });
    return stdout.split('\n')[0]?.trim();
  } catch {
    return undefined;
  }
}

async function programs(): Promise<Record<string, string | undefined>> {
  const [etcd, nft, git] = await Promise.all([
    version('etcd', '--version'),
    version('nft', '--version'),
    version('git', '--version'),
  ]);
  return { etcd, nft, git };
}

/** Of the directory that is there, or will be below it. */
function disk(dataDir: string): Facts['disk'] {
  let place = dataDir;
  while (!existsSync(place)) place = dirname(place);
  const { bavail, bsize, ffree, files } = statfsSync(place);
  // Some file systems count no inodes.
  return {
    place,
    freeBytes: bavail * bsize,
    freeInodes: files === 0 ? Number.MAX_SAFE_INTEGER : ffree,
  };
}

/** Beside the hardware's clock, where the kernel shows one. */
function clock(): Facts['clock'] {
  const ours = resolve(import.meta.dirname, '../../package.json');
  const behindMs = statSync(ours).mtimeMs - Date.now();
  const seconds = Number(text('/sys/class/rtc/rtc0/since_epoch'));
  return seconds > 0 ? { behindMs, besideMs: Date.now() - seconds * 1_000 } : { behindMs };
}

/** Those the kernel has, and the one it loads when it is first needed. */
function fileSystems(): string[] {
  const module = `/lib/modules/${release()}/kernel/fs/overlayfs`;
  return [...text('/proc/filesystems').split('\n'), ...(existsSync(module) ? ['overlay'] : [])];
}

function memoryBytes(): number {
  const kib = /^MemAvailable: +(\d+)/m.exec(text('/proc/meminfo'))?.[1];
  return kib === undefined ? freemem() : Number(kib) * 1024;
}

function certificateDays(cluster: Cluster): number | undefined {
  const pem = text(join(cluster.pki, 'api-server.crt'));
  if (pem === '') return undefined;
  const ends = Date.parse(new X509Certificate(pem).validTo);
  return Math.floor((ends - Date.now()) / 86_400_000);
}

async function clusterFacts(cluster: Cluster, flags: Flags): Promise<Facts['cluster']> {
  if (readUpState(cluster) === undefined) return { isUp: false };
  const days = certificateDays(cluster);
  const known = { isUp: true, ...(days === undefined ? {} : { certificateDays: days }) };
  try {
    const client = await openClient(flags);
    try {
      await client.request('GET', '/readyz', undefined, AbortSignal.timeout(5_000));
      return known;
    } finally {
      client.close();
    }
  } catch (error) {
    return { ...known, problem: errorText(error) };
  }
}

type Flags = Parameters<typeof openClient>[0];

/** Ports that are wanted and held by somebody else: those of a cluster that is up are its own. */
async function takenPorts(cluster: Cluster): Promise<number[]> {
  if (readUpState(cluster) !== undefined) return [];
  const settings = readSettings(cluster);
  // A new cluster takes others where these are not free.
  const wanted = settings === undefined ? [] : [settings.port, settings.agentPort];
  const free = await Promise.all(wanted.map((port) => isFree(port)));
  return wanted.filter((_, i) => free[i] === false);
}

export async function gatherFacts(cluster: Cluster, flags: Flags): Promise<Facts> {
  const [held, taken, ours] = await Promise.all([
    programs(),
    takenPorts(cluster),
    clusterFacts(cluster, flags),
  ]);
  return {
    kernel: release(),
    isRoot: process.getuid?.() === 0,
    fileSystems: fileSystems(),
    cgroup1: cgroup1(),
    cgroup2: cgroup2(),
    sysctls: sysctls(),
    programs: held,
    disk: disk(cluster.dataDir),
    memoryBytes: memoryBytes(),
    clock: clock(),
    takenPorts: taken,
    cluster: ours,
  };
}
