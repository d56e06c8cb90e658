/** What the pod side of a node works with, made of the node's parts. */
import * as types from '#api/resources/resource-types.ts';
import type { ConfigMap, Pod, Secret, ServiceAccount } from '#api/resources/types.ts';
import type { NodePressure } from '../eviction/node-pressure.ts';
import { finishRollback as recover } from '../operations/rollback.ts';
import { ImagePulls } from '../pod/image-pulls.ts';
import { KeptContainers } from '../pod/kept-containers.ts';
import { persistentVolumesDir, volumesDir } from '../pod/paths.ts';
import { PodEvents } from '../pod/pod-events.ts';
import { StatusWriter } from '../pod/status-writer.ts';
import type { World } from '../pod/world.ts';
import { claimSource } from '../volume/claim.ts';
import { ObjectSource } from '../volume/object-source.ts';
import { PodTokens } from '../volume/pod-tokens.ts';
import { Volumes } from '../volume/volumes.ts';
import type { AgentParts } from './agent.ts';
import { namesOf } from './config.ts';
import { type MachineFacts, nodeAddress } from './facts.ts';
import type { Services } from './services.ts';

/** `kube-root-ca.crt` is in every pod: the next one starts without asking for it. */
const configMapLingerMs = 60_000;

interface Hints {
  readonly services: Services;
  readonly pressure: NodePressure;
  readonly onPulled: () => void;
}

/** Opens what follows the API; `close` it all. */
export function worldOf(
  parts: AgentParts,
  facts: MachineFacts,
  { services, pressure, onPulled }: Hints,
): World {
  const { config, client, runtime, images, network, mounts, log } = parts;
  const { dataDir, nodeName, cgroupRoot } = config;
  const address = nodeAddress(config.bindAddress);
  const capacity = { cpuMillis: facts.cpuCount * 1000, memoryBytes: facts.memoryBytes };
  const configMaps = new ObjectSource(client.collection<ConfigMap>(types.configMaps), {
    lingerMs: configMapLingerMs,
  });
  const secrets = new ObjectSource(client.collection<Secret>(types.secrets));
  const pods = client.collection<Pod>(types.pods);
  const events = new PodEvents(client, nodeName, log);
  return {
    node: {
      nodeName,
      hostname: facts.hostname,
      hostIPs: [address],
      cgroupRoot,
      capacity,
      names: namesOf(config),
    },
    paths: { dataDir },
    runtime,
    images,
    pulls: new ImagePulls({ images, secrets, events, now: Date.now, onPulled }),
    network,
    kept: new KeptContainers({ dataDir, client, record: (id) => runtime.get(id), log, recover }),
    volumes: new Volumes({
      configMaps,
      secrets,
      tokens: new PodTokens(client.collection<ServiceAccount>(types.serviceAccounts)),
      mounts,
      claims: claimSource(client),
      persistentVolumes: persistentVolumesDir({ dataDir }),
      dirOf: (uid) => volumesDir({ dataDir }, uid),
      facts: { hostIP: address, allocatable: capacity },
      onProblem: (uid, error) => log.warn('volume not updated', { uid, error }),
    }),
    pods,
    configMaps,
    secrets,
    servicesFor: (namespace) => services.of(namespace),
    status: new StatusWriter(pods, log),
    events,
    pressure,
    states: new Map(),
    log,
    now: Date.now,
  };
}
