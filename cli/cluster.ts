/** Where a cluster lives on this machine, and the settings it was made with. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from './arguments.ts';

export interface ClusterFlags {
  readonly name?: string | undefined;
  readonly 'data-dir'?: string | undefined;
  readonly 'run-dir'?: string | undefined;
}

/** A cluster's places; nothing of it need exist. */
export interface Cluster {
  readonly name: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly pki: string;
  readonly kubeconfig: string;
}

/** Chosen when the cluster is made, kept in `<data-dir>/cluster.json`, the same for ever after but for the ports. */
export interface Settings {
  port: number;
  agentPort: number;
  readonly nodeName: string;
  readonly podCidr: string;
  readonly bridge: string;
  readonly cgroupRoot: string;
  /** How many nodes there are on this machine; absent: one. */
  nodes?: number;
  /** Where other machines reach this one; absent: nowhere. */
  listen?: string;
  /** Of a machine that has joined a cluster elsewhere: the API server's URL. */
  joined?: string;
}

/** The cluster that flags, else `BAY_NAME`, `BAY_DATA_DIR` and `BAY_RUN_DIR`, else the defaults name. */
export function clusterOf(flags: ClusterFlags): Cluster {
  const name = flags.name ?? process.env['BAY_NAME'] ?? 'default';
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(name)) {
    throw new UsageError(
      `--name '${name}': use lower case letters, digits and '-', at most 32 characters`,
    );
  }
  const suffix = name === 'default' ? '' : `-${name}`;
  const dataDir = resolve(
    flags['data-dir'] ?? process.env['BAY_DATA_DIR'] ?? `/var/lib/bayplan${suffix}`,
  );
  const runDir = resolve(flags['run-dir'] ?? process.env['BAY_RUN_DIR'] ?? `/run/bayplan${suffix}`);
  return {
    name,
    dataDir,
    runDir,
    pki: join(dataDir, 'pki'),
    kubeconfig: join(dataDir, 'kubeconfig'),
  };
}

/** Writes a JSON file so that a reader sees the old or the new one, never a part. */
export function writeJson(path: string, content: unknown): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** The JSON file's content, `undefined` if it does not exist; a broken file is an error naming it. */
export function readJson<T>(path: string): T | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    throw new Error(`read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Names and addresses of a cluster other than the default must not meet those of another on the machine. */
export function defaultSettings(cluster: Cluster, ports: { api: number; agent: number }): Settings {
  const common = {
    port: ports.api,
    agentPort: ports.agent,
    nodeName: hostname().toLowerCase(),
  };
  if (cluster.name === 'default') {
    return { ...common, podCidr: '10.244.0.0/24', bridge: 'bp0', cgroupRoot: '/bayplan' };
  }
  const hash = createHash('sha256').update(cluster.dataDir).digest();
  return {
    ...common,
    podCidr: `10.${128 + (hash.readUInt8(0) % 100)}.${hash.readUInt8(1)}.0/24`,
    bridge: `bp-${hash.toString('hex', 2, 6)}`,
    cgroupRoot: `/bayplan-${cluster.name}`,
  };
}

export const settingsPath = (cluster: Cluster): string => join(cluster.dataDir, 'cluster.json');

/** What the cluster was made with; `undefined` before its first `bay up`. */
export function readSettings(cluster: Cluster): Settings | undefined {
  return readJson<Settings>(settingsPath(cluster));
}

/** What a running `bay up` tells of itself in `<run-dir>/up.json`. */
export interface UpState {
  readonly pid: number;
  /** The kernel's start time of `pid`: tells a living `bay up` from a later process with its number. */
  readonly startTime: string;
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, number>>;
}

const upPath = (cluster: Cluster): string => join(cluster.runDir, 'up.json');

/** Field 22 of /proc/pid/stat (proc(5)); `undefined` if there is no such process. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

export function writeUpState(cluster: Cluster, state: Omit<UpState, 'pid' | 'startTime'>): void {
  mkdirSync(cluster.runDir, { recursive: true, mode: 0o700 });
  const startTime = startTimeOf(process.pid) ?? '';
  writeJson(upPath(cluster), { pid: process.pid, startTime, ...state });
}

/** The living `bay up` of this cluster, or `undefined`. */
export function readUpState(cluster: Cluster): UpState | undefined {
  const state = readJson<UpState>(upPath(cluster));
  if (state === undefined || startTimeOf(state.pid) !== state.startTime) return undefined;
  return state;
}
