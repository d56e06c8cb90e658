/** A pod's /etc/resolv.conf: where it asks for names, and what short names mean. Pure but for reading the node's own file. */
import { readFileSync } from 'node:fs';
import type { Pod } from '#api/resources/types.ts';

/** The cluster's names. */
export interface ClusterNames {
  /** The Service that answers. */
  readonly address: string;
  readonly domain: string;
}

interface Resolver {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** Kubernetes' bounds of what a resolver file may hold; glibc reads no more servers. */
const serversMax = 3;
const searchesMax = 32;
const searchCharactersMax = 2048;

const empty: Resolver = { servers: [], searches: [], options: [] };

/** Servers on the node's loopback are none in another network; systemd-resolved tells the real ones elsewhere. */
const hostPaths = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'] as const;

/** What `dnsPolicy` and `dnsConfig` say; without `cluster` every policy but None is the node's. */
export function resolvText(pod: Pod, host: string, cluster?: ClusterNames): string {
  const { dnsConfig } = pod.spec ?? {};
  const base = baseOf(pod, parseResolv(host), cluster);
  const options = new Map(base.options.map((option) => [option.split(':')[0] ?? '', option]));
  for (const { name = '', value } of dnsConfig?.options ?? []) {
    options.set(name, value === undefined ? name : `${name}:${value}`);
  }
  const servers = unique([...base.servers, ...(dnsConfig?.nameservers ?? [])]);
  const searches = fitting(unique([...base.searches, ...(dnsConfig?.searches ?? [])]));
  return [
    ...servers.slice(0, serversMax).map((server) => `nameserver ${server}\n`),
    searches.length > 0 ? `search ${searches.join(' ')}\n` : '',
    options.size > 0 ? `options ${[...options.values()].join(' ')}\n` : '',
  ].join('');
}

function baseOf(pod: Pod, host: Resolver, cluster: ClusterNames | undefined): Resolver {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false } = pod.spec ?? {};
  if (dnsPolicy === 'None') return empty;
  const isCluster =
    dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  if (!isCluster || cluster === undefined) return host;
  const { address, domain } = cluster;
  const own = [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain];
  return { servers: [address], searches: [...own, ...host.searches], options: ['ndots:5'] };
}

const unique = (list: readonly string[]): string[] => [...new Set(list)];

function fitting(searches: readonly string[]): readonly string[] {
  let room = searchCharactersMax;
  return searches.slice(0, searchesMax).filter((search) => {
    room -= search.length + 1;
    return room >= 0;
  });
}

function parseResolv(text: string): Resolver {
  const words = text.split('\n').map((line) => line.trim().split(/\s+/));
  const after = (keyword: string) =>
    words.filter(([w]) => w === keyword).map(([, ...rest]) => rest);
  return {
    servers: after('nameserver').flat(),
    searches: after('search').at(-1) ?? [],
    options: after('options').flat(),
  };
}

/** The node's resolver file as a pod can use it. */
export function hostResolverText(): string {
  const texts = hostPaths.map(textOf);
  const isUsable = (text: string) => parseResolv(text).servers.some((ip) => !ip.startsWith('127.'));
  return texts.find(isUsable) ?? texts[0] ?? '';
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
