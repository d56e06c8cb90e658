/** Whether a machine can hold a cluster, fact by fact, and what helps where it cannot. Pure. */

export interface Facts {
  /** `6.1.0-18-amd64`. */
  readonly kernel: string;
  readonly isRoot: boolean;
  /** The lines of /proc/filesystems. */
  readonly fileSystems: readonly string[];
  /** Controllers of the unified hierarchy, and those that are mounted in version 1. */
  readonly cgroup2: readonly string[];
  readonly cgroup1: readonly string[];
  /** By name, as `sysctl` shows them; absent: the kernel has none of that name. */
  readonly sysctls: Readonly<Record<string, string | undefined>>;
  /** What programs say of their version; absent: not on PATH. */
  readonly programs: Readonly<Record<string, string | undefined>>;
  readonly disk: {
    readonly place: string;
    readonly freeBytes: number;
    readonly freeInodes: number;
  };
  readonly memoryBytes: number;
  /** How far the clock is behind the newest file that we know of, and beside the hardware clock. */
  readonly clock: { readonly behindMs: number; readonly besideMs?: number };
  /** Ports that the cluster wants and others hold. */
  readonly takenPorts: readonly number[];
  readonly cluster: {
    readonly isUp: boolean;
    readonly problem?: string;
    readonly certificateDays?: number;
  };
}

export interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly says: string;
  readonly fix?: string;
}

const gib = 1024 ** 3;
const shown = (bytes: number): string => `${(bytes / gib).toFixed(1)} GiB`;

const ok = (what: string, says: string): Finding => ({ what, state: 'ok', says });
const warning = (what: string, says: string, fix: string): Finding => ({
  what,
  state: 'warning',
  says,
  fix,
});
const problem = (what: string, says: string, fix: string): Finding => ({
  what,
  state: 'problem',
  says,
  fix,
});

/** `6.1.0-18-amd64` → [6, 1]. */
const numbers = (text: string): readonly number[] =>
  (/(\d+)\.(\d+)/.exec(text) ?? []).slice(1).map(Number);

function isAtLeast(version: string, wanted: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = numbers(version);
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
}

function kernel({ kernel: release, fileSystems }: Facts): Finding {
  if (!isAtLeast(release, [5, 10])) {
    return problem(
      'kernel',
      `${release} is older than 5.10`,
      'boot a newer kernel: apt-get install linux-image-amd64',
    );
  }
  if (!fileSystems.some((line) => line.endsWith('overlay'))) {
    return problem('kernel', `${release} has no overlay file system`, 'modprobe overlay');
  }
  return ok('kernel', `Linux ${release} with overlay`);
}

const needed = ['cpu', 'memory', 'pids'];

function cgroups({ cgroup1, cgroup2 }: Facts): Finding {
  const missing = needed.filter((name) => !cgroup1.includes(name) && !cgroup2.includes(name));
  if (missing.length > 0) {
    const fix =
      "boot with cgroup_enable=memory, or let systemd have them: 'systemd.unified_cgroup_hierarchy=1'";
    return problem('cgroups', `no controller ${missing.join(', ')}`, fix);
  }
  const version = needed.every((name) => cgroup2.includes(name))
    ? 'version 2'
    : 'version 1, or both';
  return ok('cgroups', `${needed.join(', ')} (${version})`);
}

/** What many containers use up; the values are Debian's own or better. */
const wantedSysctls: readonly (readonly [name: string, least: number, why: string])[] = [
  [
    'fs.inotify.max_user_instances',
    128,
    'programs that watch files fail with "too many open files"',
  ],
  [
    'fs.inotify.max_user_watches',
    8_192,
    'programs that watch files fail with "no space left on device"',
  ],
  ['kernel.pid_max', 32_768, 'many containers run out of process ids'],
  ['fs.file-max', 65_536, 'all programs together run out of open files'],
  ['user.max_user_namespaces', 1, 'containers with users of their own cannot start'],
];

function sysctls({ sysctls: held }: Facts): Finding[] {
  const low = wantedSysctls.flatMap(([name, least, why]) => {
    const value = Number(held[name]);
    if (held[name] === undefined || value >= least) return [];
    return [warning('sysctl', `${name} is ${value}: ${why}`, `sysctl -w ${name}=${least}`)];
  });
  return low.length > 0 ? low : [ok('sysctl', 'limits are high enough')];
}

const packages: Readonly<Record<string, string>> = {
  etcd: 'etcd-server',
  nft: 'nftables',
  git: 'git',
};

function programs({ programs: held }: Facts): Finding[] {
  return Object.entries(packages).map(([name, pack]) => {
    const says = held[name];
    if (says === undefined) return problem(name, 'is not on PATH', `apt-get install ${pack}`);
    if (name !== 'etcd') return ok(name, says);
    if (!isAtLeast(says, [3, 4]))
      return problem(name, `${says} is older than 3.4`, 'install a newer etcd');
    if (/\b3\.5\.[0-2]\b/.test(says)) {
      const fix = 'install 3.5.3 or newer: those before lose data when they are killed';
      return problem(name, `${says} may lose data`, fix);
    }
    return ok(name, says);
  });
}

function disk({ disk: { place, freeBytes, freeInodes } }: Facts): Finding {
  const fix = "free some: 'bay system prune', or another place with --data-dir";
  const says = `${shown(freeBytes)} free at ${place}`;
  if (freeInodes < 10_000) return problem('disk', `${freeInodes} inodes free at ${place}`, fix);
  if (freeBytes < gib) return problem('disk', says, fix);
  return freeBytes < 5 * gib ? warning('disk', says, fix) : ok('disk', says);
}

function memory({ memoryBytes }: Facts): Finding {
  const says = `${shown(memoryBytes)} available`;
  const few = 'end something, or give the machine more';
  return memoryBytes < gib / 2 ? warning('memory', says, few) : ok('memory', says);
}

function clock({ clock: { behindMs, besideMs } }: Facts): Finding {
  const fix = 'set it, and keep it so: apt-get install systemd-timesyncd';
  if (behindMs > 60_000)
    return problem(
      'clock',
      `is ${Math.round(behindMs / 1_000)} s behind files of this machine`,
      fix,
    );
  if (besideMs !== undefined && Math.abs(besideMs) > 60_000) {
    return warning(
      'clock',
      `differs by ${Math.round(besideMs / 1_000)} s from the hardware clock`,
      fix,
    );
  }
  return ok('clock', 'goes forward');
}

function ports({ takenPorts }: Facts): Finding {
  if (takenPorts.length === 0) return ok('ports', 'are free or our own');
  const says = `somebody else listens on ${takenPorts.join(', ')}`;
  return problem(
    'ports',
    says,
    `see who: ss -ltnp 'sport = :${takenPorts[0]}'; or bay up --port P`,
  );
}

function cluster({ cluster: { isUp, problem: trouble, certificateDays } }: Facts): Finding[] {
  if (!isUp) return [ok('cluster', "is not up; start it with 'bay up'")];
  const found = [
    trouble === undefined
      ? ok('cluster', 'answers')
      : problem('cluster', trouble, "see 'bay status', and the logs below the data directory"),
  ];
  if (certificateDays !== undefined && certificateDays < 30) {
    const says = `the API server's certificate ends in ${certificateDays} days`;
    found.push(warning('certificates', says, "'bay down' and 'bay up' make new ones"));
  }
  return found;
}

/** All findings, in the order in which a person would look. */
export function judge(facts: Facts): Finding[] {
  const root = facts.isRoot
    ? ok('user', 'root')
    : problem('user', 'is not root', 'containers need root: sudo bay doctor');
  return [
    root,
    kernel(facts),
    cgroups(facts),
    ...sysctls(facts),
    ...programs(facts),
    disk(facts),
    memory(facts),
    clock(facts),
    ports(facts),
    ...cluster(facts),
  ];
}
