/** The real lower half of a node: API client, runtime, images, network, mounts. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '#api/client/client.ts';
import type { ImagePolicy } from '#api/resources/image-policy.ts';
import { imagePolicies } from '#api/resources/resource-types.ts';
import type { Log } from '#controller/runtime/log.ts';
import { runSteps } from '#native/spawn.ts';
import { possibleDirectories, readHierarchies } from '#node-agent/container/cgroups.ts';
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import { openImages } from '#node-agent/image/image-store.ts';
import { PeerList } from '#node-agent/image/peers/peer-list.ts';
import { Peers } from '#node-agent/image/peers/peers.ts';
import { ClusterPolicies } from '#node-agent/image/signature/cluster-policies.ts';
import { createPodNetwork } from '#node-agent/network/bridge-network.ts';
import type { TmpfsMounts } from '../volume/empty-dir.ts';
import type { AgentParts } from './agent.ts';
import type { AgentConfig } from './config.ts';

/** Opens everything the agent works with; nothing of it waits for the API server. */
export async function openParts(
  config: AgentConfig,
  log: Log,
  client: AgentParts['client'] = connect(config, 'bayplan-agent'),
): Promise<AgentParts> {
  const { dataDir, runDir, cgroupRoot, podCidr, bridge, clusterName } = config;
  await Promise.all([
    mkdir(join(dataDir, 'pods'), { recursive: true, mode: 0o755 }),
    mkdir(join(dataDir, 'log', 'pods'), { recursive: true, mode: 0o755 }),
    mkdir(runDir, { recursive: true, mode: 0o755 }),
  ]);
  const { clusterCidr = podCidr, serviceCidr, nodeCidr } = config;
  const network = createPodNetwork({
    runDir,
    podCidr,
    bridge,
    clusterName,
    clusterCidr,
    ...(serviceCidr === undefined ? {} : { serviceCidr }),
    ...(nodeCidr === undefined ? {} : { nodeCidr }),
    log,
  });
  const policies = new ClusterPolicies(client.collection<ImagePolicy>(imagePolicies));
  const tls = await readTls(config);
  const peerList = new PeerList(client, config.nodeName);
  const peers = new Peers({ list: () => peerList.all(), tls });
  return {
    config,
    client,
    policies,
    runtime: createRuntime({ dataDir, runDir, cgroupRoot, spares: true }),
    images: await openImages({
      dataDir,
      policies: () => policies.all(),
      peers,
      ...(config.imageLayers && { layers: config.imageLayers }),
    }),
    network,
    mounts,
    log,
    takeDown: async () => {
      await network.destroy();
      await removeCgroups(cgroupRoot);
    },
  };
}

async function readTls(config: AgentConfig) {
  const [ca, cert, key] = await Promise.all(
    [config.ca, config.cert, config.key].map((path) => readFile(path, 'utf8')),
  );
  return { ca: ca ?? '', cert: cert ?? '', key: key ?? '' };
}

const mounts: TmpfsMounts = {
  mountTmpfs: (target, sizeBytes) => {
    const size = sizeBytes === undefined ? '' : `,size=${sizeBytes}`;
    return runSteps([['tmpfs', target, `mode=777${size}`]]);
  },
  unmount: (target) => runSteps([['unmount', target, '']]),
};

/** The classes' cgroups and the root, which sandboxes share. */
async function removeCgroups(root: string): Promise<void> {
  const hierarchies = await readHierarchies();
  const paths = [`${root}/burstable`, `${root}/besteffort`, root];
  await runSteps(
    paths.flatMap((path) =>
      possibleDirectories(hierarchies, path).map((directory) => ['rmdir', directory, ''] as const),
    ),
  );
}
