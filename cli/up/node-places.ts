/** The nodes of a cluster on this machine: the first in the machine's own network, others each in a network namespace. */
import { join } from 'node:path';
import type { Cluster, Settings } from '../cluster.ts';
import type { PartName } from './part-programs.ts';

export interface NodePlace {
  /** 1 for the first. */
  readonly number: number;
  readonly name: string;
  readonly part: PartName;
  /** Where the node listens and is reached. */
  readonly address: string;
  readonly podCidr: string;
  readonly bridge: string;
  readonly cgroupRoot: string;
  readonly dataDir: string;
  readonly runDir: string;
  /** Its network namespace; absent: the machine's. */
  readonly netns?: string;
}

/** The network that the nodes of this machine see each other on. */
export interface NodeNetwork {
  readonly bridge: string;
  /** As `10.254.0.0/24`. */
  readonly cidr: string;
  /** The machine's own address there. */
  readonly gateway: string;
}

/** More nodes than this need another machine. */
export const nodesMax = 64;

const octets = (cidr: string): number[] => (cidr.split('/')[0] ?? '').split('.').map(Number);

/** The range of all nodes' pods: a sixteenth part of it each, of 256. */
export function clusterCidrOf({ podCidr }: Settings): string {
  const [first, second] = octets(podCidr);
  return `${first}.${second}.0.0/16`;
}

/** Next to the pods' range of the cluster, so that clusters of one machine do not meet. */
export function nodeNetworkOf({ podCidr, bridge }: Settings): NodeNetwork {
  const [, second = 0, third = 0] = octets(podCidr);
  const base = `10.${(second + 100) % 256}.${third}`;
  return {
    bridge: bridge.replace(/^bp-?/, 'bpn'),
    cidr: `${base}.0/24`,
    gateway: `${base}.1`,
  };
}

function podCidrOf({ podCidr }: Settings, number: number): string {
  const [first, second, third = 0] = octets(podCidr);
  return `${first}.${second}.${(third + number - 1) % 256}.0/24`;
}

/** All nodes, the first one first. */
export function nodePlaces(cluster: Cluster, settings: Settings): NodePlace[] {
  const { nodes = 1, listen } = settings;
  const { gateway } = nodeNetworkOf(settings);
  const first: NodePlace = {
    number: 1,
    name: settings.nodeName,
    part: 'agent',
    address: nodes > 1 ? gateway : (listen ?? '127.0.0.1'),
    podCidr: settings.podCidr,
    bridge: settings.bridge,
    cgroupRoot: settings.cgroupRoot,
    dataDir: cluster.dataDir,
    runDir: cluster.runDir,
  };
  const others = Array.from({ length: nodes - 1 }, (_, i) => other(cluster, settings, i + 2));
  return [first, ...others];
}

function other(cluster: Cluster, settings: Settings, number: number): NodePlace {
  const runDir = join(cluster.runDir, 'nodes', String(number));
  const { gateway } = nodeNetworkOf(settings);
  return {
    number,
    name: `${settings.nodeName}-${number}`,
    part: `agent-${number}`,
    address: gateway.replace(/\.1$/, `.${number}`),
    podCidr: podCidrOf(settings, number),
    bridge: settings.bridge,
    cgroupRoot: `${settings.cgroupRoot}-node-${number}`,
    dataDir: join(cluster.dataDir, 'nodes', String(number)),
    runDir,
    netns: join(runDir, 'network'),
  };
}
