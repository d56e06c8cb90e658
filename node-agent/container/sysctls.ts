/** Kernel parameters that belong to a namespace, and thus may be a sandbox's own. Pure. */

/** sysctl(8)'s names; those that end with a dot begin others. */
const ofIpc = [
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
  'fs.mqueue.',
];
const ofNetwork = ['net.'];

/** Kubernetes lets every pod have these (pkg/kubelet/sysctl, safe_sysctls.go). */
const safe = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

const isOf = (kinds: readonly string[], name: string): boolean =>
  kinds.some((kind) => (kind.endsWith('.') ? name.startsWith(kind) : name === kind));

/** As sysctl(8) takes them: with dots, or with slashes where a part has a dot itself. */
function dotted(name: string): string {
  const slash = name.indexOf('/');
  const dot = name.indexOf('.');
  if (slash === -1 || (dot !== -1 && dot < slash)) return name;
  return name.replace(/[./]/g, (mark) => (mark === '/' ? '.' : '/'));
}

export const isSafeSysctl = (name: string): boolean => safe.has(dotted(name));

/**
 * Checked names and values with the paths they have below /proc/sys. A value cannot smuggle another parameter in
 * (CVE-2022-0811): each is written to its own file and must be one line of printable text.
 * @throws Error naming what is wrong with which
 */
export function sysctlPaths(
  sysctls: Readonly<Record<string, string>>,
  own: { readonly ipc: boolean; readonly network: boolean },
): { readonly name: string; readonly value: string }[] {
  return Object.entries(sysctls).map(([given, value]) => {
    const name = dotted(given);
    const wrong = problem(name, value, own);
    if (wrong !== undefined) throw new Error(`sysctl ${JSON.stringify(given)}: ${wrong}`);
    return { name: name.replace(/[./]/g, (mark) => (mark === '.' ? '/' : '.')), value };
  });
}

function problem(
  name: string,
  value: string,
  own: { readonly ipc: boolean; readonly network: boolean },
): string | undefined {
  if (!/^[a-z0-9_-]+([./][a-z0-9_*-]+)+$/i.test(name)) return 'is no name of a kernel parameter';
  if (!/^[\x20-\x7e\t]*$/.test(value)) return `${JSON.stringify(value)} is not one line of text`;
  if (isOf(ofIpc, name)) {
    return own.ipc ? undefined : "belongs to the host's ipc namespace, which the pod shares";
  }
  if (isOf(ofNetwork, name)) {
    return own.network ? undefined : "belongs to the host's network, which the pod shares";
  }
  return 'belongs to no namespace: setting it would change the whole machine';
}
