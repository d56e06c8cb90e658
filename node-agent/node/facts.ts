/** What the machine says about itself, for the Node object. */
import { readFile, statfs } from 'node:fs/promises';
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from 'node:os';
import type { Signals } from '../eviction/thresholds.ts';

export interface MachineFacts {
  readonly hostname: string;
  /** As Kubernetes names it: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly systemUuid: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** Size of the file system that holds the data directory. */
  readonly diskBytes: number;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Reads the facts; a file that is not there gives an empty text. */
export async function readFacts(dataDir: string): Promise<MachineFacts> {
  const text = async (path: string) => (await readFile(path, 'utf8').catch(() => '')).trim();
  const [osRelease, machineId, bootId, productUuid, disk] = await Promise.all([
    text('/etc/os-release'),
    text('/etc/machine-id'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/sys/class/dmi/id/product_uuid'),
    statfs(dataDir),
  ]);
  return {
    hostname: hostname(),
    architecture: architectures[arch()] ?? arch(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    machineId,
    bootId,
    systemUuid: productUuid === '' ? machineId : productUuid,
    cpuCount: cpus().length,
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
  };
}

/** The address others reach this node at: the one it listens on, or its first outward one if it listens on all. */
export function nodeAddress(bindAddress: string): string {
  if (bindAddress !== '0.0.0.0' && bindAddress !== '::') return bindAddress;
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outward = all.find(({ family, internal }) => family === 'IPv4' && !internal);
  return outward?.address ?? '127.0.0.1';
}

/** What the machine has left of what it may run short of. */
export async function readSignals(dataDir: string): Promise<Signals> {
  const text = async (path: string) => readFile(path, 'utf8').catch(() => '');
  const [meminfo, loadavg, pidMax, disk] = await Promise.all([
    text('/proc/meminfo'),
    text('/proc/loadavg'),
    text('/proc/sys/kernel/pid_max'),
    statfs(dataDir),
  ]);
  const available = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? Number.NaN) * 1024;
  const threads = Number(/\/(\d+) /.exec(loadavg)?.[1] ?? 0);
  const limit = Number(pidMax.trim() || Number.NaN);
  return {
    memory: { available, capacity: totalmem() },
    disk: { available: disk.bavail * disk.bsize, capacity: disk.blocks * disk.bsize },
    inodes: { available: disk.ffree, capacity: disk.files },
    pids: { available: limit - threads, capacity: limit },
  };
}
