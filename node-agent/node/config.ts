/** The agent's configuration file. */
import { readFile } from 'node:fs/promises';
import { isLeft } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';

const AgentConfig = t.intersection(
  [
    t.type({
      nodeName: t.string,
      clusterName: t.string,
      server: t.string,
      ca: t.string,
      cert: t.string,
      key: t.string,
      bindAddress: t.string,
      port: t.number,
      dataDir: t.string,
      runDir: t.string,
      podCidr: t.string,
      bridge: t.string,
      cgroupRoot: t.string,
    }),
    t.partial({
      /** Paths of the certificate to serve with, where `cert` is a client's alone. */
      servingCert: t.string,
      servingKey: t.string,
      /** An image archive loaded at start if the node does not hold it yet. */
      baseImage: t.string,
      /** The range of all nodes' pods; absent: `podCidr`. */
      clusterCidr: t.string,
      /** The network of this machine's other nodes, whose way out leads through this one. */
      nodeCidr: t.string,
      /** The range of Services' addresses; Kubernetes' usual one if absent. */
      serviceCidr: t.string,
      /** The address of the Service that answers names, and what names of the cluster end with. */
      clusterDns: t.string,
      clusterDomain: t.string,
      /** More labels of the Node object. */
      labels: t.record(t.string, t.string),
      /** Above this share of the disk unused images go, down to the low one; kubelet's names and defaults: 85 and 80. */
      imageGCHighThresholdPercent: t.number,
      imageGCLowThresholdPercent: t.number,
      imageMaximumUnusedSeconds: t.number,
      /** The form that layers of images are unpacked in: `auto` takes EROFS images where the kernel mounts them from files. */
      imageLayers: t.keyof({ auto: null, erofs: null, directories: null }),
      /** Below these amounts pods are evicted, by kubelet's signals; what is not named keeps kubelet's default. */
      evictionHard: t.record(t.string, t.string),
      /** Below these, and for as long as the grace periods say, too: `{"memory.available": "1m30s"}`. */
      evictionSoft: t.record(t.string, t.string),
      evictionSoftGracePeriod: t.record(t.string, t.string),
      /** So much more has to be there before evictions end. */
      evictionMinimumReclaim: t.record(t.string, t.string),
      /** So many seconds pods have to end that go for a soft threshold, if their own grace is not shorter: kubelet's 0. */
      evictionMaxPodGracePeriod: t.number,
      /** How long a condition of pressure stays after its cause: kubelet's 300. */
      evictionPressureTransitionPeriodSeconds: t.number,
    }),
  ],
  'AgentConfig',
);

/** `ca`, `cert`, `key` are paths of PEM files; the certificate serves as server's and as client's. */
export interface AgentConfig extends t.TypeOf<typeof AgentConfig> {}

/** Reads and checks the file. @throws Error naming the file and every wrong field */
export async function readConfig(path: string): Promise<AgentConfig> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`read the agent's configuration ${path}: ${String(cause)}`, { cause });
  });
  return decodeConfig(path, JSON.parse(text));
}

/** The same for a value that was read already; `path` is for the message. */
export function decodeConfig(path: string, value: unknown): AgentConfig {
  const decoded = AgentConfig.decode(value);
  if (!isLeft(decoded)) return decoded.right;
  const problems = decoded.left.map(({ context, value: found }) => {
    const field = context.map(({ key }) => key).filter((key) => key !== '' && !/^\d+$/.test(key));
    return `${field.join('.') || 'the document'}: ${JSON.stringify(found) ?? 'missing'}`;
  });
  throw new Error(`the agent's configuration ${path} is wrong: ${problems.join('; ')}`);
}

/** Where pods ask for the cluster's names. */
export const namesOf = (config: AgentConfig): { address: string; domain: string } => ({
  address: config.clusterDns ?? '10.96.0.10',
  domain: config.clusterDomain ?? 'cluster.local',
});
