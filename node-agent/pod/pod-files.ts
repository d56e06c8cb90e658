/** The files every container of a pod finds in /etc: hosts, hostname, resolv.conf. The texts are pure functions. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Pod } from '#api/resources/types.ts';
import { ownSettings } from './own-settings.ts';
import { type NodePaths, podDir, podFile } from './paths.ts';
import { type ClusterNames, hostResolverText, resolvText } from './resolver-file.ts';

/** Linux allows 64 bytes; Kubernetes cuts at a DNS label's 63 and drops what may not end one. */
const hostnameMax = 63;

/** The pod's host name: `spec.hostname`, else its name; the node's in the host's network. */
export function podHostname(pod: Pod, nodeHostname: string): string {
  if (pod.spec?.hostNetwork === true || ownSettings(pod).uts === 'host') return nodeHostname;
  const wanted = pod.spec?.hostname ?? pod.metadata.name;
  return wanted.slice(0, hostnameMax).replace(/[-.]+$/, '');
}

/** `name.subdomain.namespace.svc.cluster.local`; undefined without a subdomain. */
function qualifiedName(pod: Pod, hostname: string): string | undefined {
  const subdomain = pod.spec?.subdomain ?? '';
  if (subdomain === '') return undefined;
  return `${hostname}.${subdomain}.${pod.metadata.namespace}.svc.cluster.local`;
}

/** Kubernetes' managed /etc/hosts (pkg/kubelet/kubelet_pods.go `managedHostsFileContent`). */
export function hostsText(pod: Pod, ip: string, hostname: string): string {
  const qualified = qualifiedName(pod, hostname);
  const names = qualified === undefined ? hostname : `${qualified}\t${hostname}`;
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'fe00::\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    // Without an address the name is the loopback's.
    `${ip === '' ? '127.0.0.1' : ip}\t${names}`,
    aliasText(pod),
  ].join('\n');
}

/** The host's own file with the pod's aliases, for a pod in the host's network. */
export function hostNetworkHostsText(pod: Pod, hosts: string): string {
  return `# Kubernetes-managed hosts file (host network).\n${hosts}${aliasText(pod)}`;
}

function aliasText(pod: Pod): string {
  const aliases = pod.spec?.hostAliases ?? [];
  if (aliases.length === 0) return '';
  const lines = aliases.map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}`);
  return `\n# Entries added by HostAliases.\n${lines.join('\n')}\n`;
}

export interface PodFileFacts {
  readonly hostname: string;
  readonly ip: string;
  /** Absent: no names of a cluster. */
  readonly names?: ClusterNames;
}

/**
 * Writes the pod's three files. Containers may change theirs (they share them), so they are written once.
 * Synchronously: a tenth of a millisecond here, several where a start waits for a place in the thread pool.
 */
export function writePodFiles(paths: NodePaths, pod: Pod, facts: PodFileFacts): void {
  const uid = pod.metadata.uid ?? '';
  mkdirSync(podDir(paths, uid), { recursive: true, mode: 0o750 });
  const hosts =
    pod.spec?.hostNetwork === true
      ? hostNetworkHostsText(pod, textOf('/etc/hosts'))
      : hostsText(pod, facts.ip, facts.hostname);
  const write = (name: string, text: string) => writeOnce(podFile(paths, uid, name), text);
  write('etc-hosts', hosts);
  write('hostname', `${facts.hostname}\n`);
  write('resolv.conf', resolvText(pod, hostResolverText(), facts.names));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function writeOnce(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o644 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
