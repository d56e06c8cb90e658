/** Ports, names and the namespaces that a container shares with its node. */
import { isIP } from 'node:net';
import { UsageError } from '../arguments.ts';
import type { Container, Port } from '../container.ts';
import type { RunFlags } from './flags.ts';
import { oneOf, some, someOf } from './values.ts';

type Spec = Container['spec'];

const portMost = 65_535;

/** `80` or `80-85`. */
function range(flag: string, text: string): [first: number, last: number] {
  const [first, last = first] = text.split('-').map(Number);
  if (first === undefined || last === undefined || first < 1 || last > portMost || last < first) {
    throw new UsageError(
      `${flag}: '${text}' is no port between 1 and ${portMost}, or range of them`,
    );
  }
  return [first, last];
}

/** `PORTS[/PROTOCOL]`, each without a port of the node. */
function inner(flag: string, text: string): Port[] {
  const [, inside = '', protocol] = /^(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? [];
  const [first, last] = range(flag, inside);
  return Array.from({ length: last - first + 1 }, (_, index) => ({
    containerPort: first + index,
    ...some('protocol', protocol?.toUpperCase()),
  }));
}

/**
 * `80`, `8080:80`, `127.0.0.1:8080:80`, `8000-8005:80-85`, each with `/udp` if wanted. Without a port of the node, or with 0, it
 * is a free one: the controller chooses it (controller/container/host-ports.ts).
 */
function publish(text: string): Port[] {
  const form =
    /^(?:(?:(\[[0-9a-f:]+\]|[\d.]+):)?(\d+(?:-\d+)?)?:)?(\d+(?:-\d+)?(?:\/(?:tcp|udp|sctp))?)$/i;
  const match = form.exec(text);
  if (match === null) throw new UsageError(`-p '${text}': write [[IP:]HOST:]CONTAINER[/PROTOCOL]`);
  const [, address, outside = '0', inside = ''] = match;
  const ports = inner(`-p '${text}'`, inside);
  const host = outside === '0' ? undefined : range(`-p '${text}'`, outside);
  if (host !== undefined && host[1] - host[0] !== ports.length - 1) {
    throw new UsageError(`-p '${text}': both ranges must be of one length`);
  }
  const hostIP = address?.replace(/[[\]]/g, '');
  if (hostIP !== undefined && isIP(hostIP) === 0) {
    throw new UsageError(`-p '${text}': ${hostIP} is no IP address`);
  }
  return ports.map((port, index) => ({
    ...port,
    hostPort: host === undefined ? 0 : host[0] + index,
    ...some('hostIP', hostIP),
  }));
}

/** `80`, `80-85/udp`: said to be listened on, and not published. */
function expose(text: string): Port[] {
  if (!/^\d+(-\d+)?(\/(tcp|udp|sctp))?$/i.test(text))
    throw new UsageError(`--expose '${text}': write PORT[/PROTOCOL]`);
  return inner(`--expose '${text}'`, text);
}

function ports(flags: RunFlags): Port[] {
  const published = (flags.publish ?? []).flatMap(publish);
  const isPublished = (port: Port) =>
    published.some(
      (other) =>
        other.containerPort === port.containerPort &&
        (other.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    );
  const exposed = (flags.expose ?? []).flatMap(expose);
  return [...published, ...exposed.filter((port) => !isPublished(port))];
}

/** `name:address`, also `name=address`; the lines of one address are one entry. */
function extraHosts(entries: readonly string[]): NonNullable<Spec['extraHosts']> {
  const found = new Map<string, string[]>();
  for (const entry of entries) {
    const [, name = '', written = ''] = /^([^:=]+)[:=](.+)$/.exec(entry) ?? [];
    const ip = written.replace(/^\[(.*)\]$/, '$1');
    if (name === '' || isIP(ip) === 0) {
      throw new UsageError(`--add-host '${entry}': write NAME:IP with an IP address`);
    }
    found.set(ip, [...(found.get(ip) ?? []), name]);
  }
  return [...found].map(([ip, hostnames]) => ({ ip, hostnames }));
}

function dns(flags: RunFlags): Spec['dns'] {
  const servers = flags.dns ?? [];
  const wrong = servers.find((server) => isIP(server) === 0);
  if (wrong !== undefined) throw new UsageError(`--dns '${wrong}': it is no IP address`);
  const found = {
    ...someOf('servers', servers),
    ...someOf('searches', flags['dns-search'] ?? []),
    ...someOf('options', flags['dns-option'] ?? []),
  };
  return Object.keys(found).length === 0 ? undefined : found;
}

function mode<W extends string>(flag: string, text: string | undefined, words: readonly W[]) {
  return text === undefined || text === '' ? undefined : oneOf(flag, text, words);
}

/** The same, or that of another container: `container:NAME`, whose document is looked up later (`sharing.ts`). */
function shareable<W extends string>(flag: string, text: string | undefined, words: readonly W[]) {
  if (text?.startsWith('container:') !== true) return mode(flag, text, words);
  if (text !== 'container:') return text as `container:${string}`;
  throw new UsageError(`${flag} '${text}': write container:NAME`);
}

/** Docker's: what belongs to the network is that of the container whose it is. */
function refuseOwnNetwork(flags: RunFlags): void {
  const conflicts: [string, unknown][] = [
    ['hostname', flags.hostname],
    ['port publishing', flags.publish?.length || flags['publish-all']],
    ['port exposing', flags.expose?.length],
    ['dns', flags.dns?.length || flags['dns-search']?.length || flags['dns-option']?.length],
    ['custom host-to-IP mapping', flags['add-host']?.length],
  ];
  const [what] =
    conflicts.find(([, given]) => given !== undefined && given !== 0 && given !== false) ?? [];
  if (what !== undefined) {
    throw new UsageError(`conflicting options: ${what} and the container type network mode`);
  }
}

function namespaces(flags: RunFlags): Partial<Spec> {
  const network = shareable('--network', flags.network ?? flags.net, [
    'default',
    'bridge',
    'host',
    'none',
  ]);
  const ipc = shareable('--ipc', flags.ipc, ['private', 'shareable', 'host']);
  const userns = mode('--userns', flags.userns, ['host', 'private', 'auto']);
  const pid = shareable('--pid', flags.pid, ['private', 'host']);
  const uts = mode('--uts', flags.uts, ['private', 'host']);
  if (uts === 'host' && (flags.hostname ?? flags.domainname) !== undefined) {
    throw new UsageError(
      "--uts host: the host name is the node's; leave --hostname and --domainname out",
    );
  }
  if (network?.startsWith('container:')) refuseOwnNetwork(flags);
  const usual = [undefined, 'default', 'bridge', 'private', 'shareable'];
  return {
    ...(usual.includes(network) ? {} : some('network', network)),
    ...some('pid', pid),
    ...(usual.includes(ipc) ? {} : some('ipc', ipc)),
    ...some('uts', uts),
    ...(userns === undefined ? {} : { userns: userns === 'host' ? 'host' : 'private' }),
  };
}

export function networkFields(flags: RunFlags): Partial<Spec> {
  return {
    ...someOf('ports', ports(flags)),
    ...some('hostname', flags.hostname),
    ...some('domainname', flags.domainname),
    ...someOf('extraHosts', extraHosts(flags['add-host'] ?? [])),
    ...some('dns', dns(flags)),
    ...namespaces(flags),
  };
}
