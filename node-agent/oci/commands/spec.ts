/** `spec`: a config.json to start from. */

import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseFlags } from '../arguments.ts';
import type { Globals } from '../globals.ts';
import { ociVersionMax } from '../versions.ts';

const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

const kernelMount = (destination: string, type: string, options: readonly string[]) => ({
  destination,
  type,
  source: type,
  options,
});

const mounts = [
  kernelMount('/proc', 'proc', []),
  kernelMount('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
  kernelMount('/dev/pts', 'devpts', [
    'nosuid',
    'noexec',
    'newinstance',
    'ptmxmode=0666',
    'mode=0620',
    'gid=5',
  ]),
  kernelMount('/dev/shm', 'tmpfs', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k']),
  kernelMount('/dev/mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
  kernelMount('/sys', 'sysfs', ['nosuid', 'noexec', 'nodev', 'ro']),
  kernelMount('/sys/fs/cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', 'ro']),
];

const start = {
  ociVersion: ociVersionMax,
  process: {
    terminal: true,
    user: { uid: 0, gid: 0 },
    args: ['sh'],
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: {
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
    },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  },
  root: { path: 'rootfs', readonly: true },
  hostname: 'bay',
  mounts,
  linux: {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type })),
    maskedPaths: [
      '/proc/acpi',
      '/proc/asound',
      '/proc/kcore',
      '/proc/keys',
      '/proc/latency_stats',
      '/proc/timer_list',
      '/proc/timer_stats',
      '/proc/sched_debug',
      '/proc/scsi',
      '/sys/firmware',
    ],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  },
};

/** For who writes it: his own id, alone, is root; the group of terminals is mapped to none. */
function rootless() {
  const own = (hostID = 0) => [{ containerID: 0, hostID, size: 1 }];
  const { resources: _, ...linux } = start.linux;
  return {
    ...start,
    mounts: mounts.map((mount) => ({
      ...mount,
      options: mount.options.filter((option) => !option.startsWith('gid=')),
    })),
    linux: {
      ...linux,
      uidMappings: own(process.geteuid?.()),
      gidMappings: own(process.getegid?.()),
      namespaces: [...linux.namespaces, { type: 'user' }],
    },
  };
}

export async function run(_: Globals, words: readonly string[]): Promise<number> {
  const { flags } = parseFlags(words, {
    bundle: { kind: 'text', short: 'b' },
    rootless: { kind: 'on' },
  });
  const path = resolve(flags.bundle ?? '.', 'config.json');
  if (existsSync(path)) throw new Error(`${path} exists already; remove it first`);
  const config = flags.rootless ? rootless() : start;
  writeFileSync(path, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o666 });
  return 0;
}
