/** What the pod side works with: the runtime, images, network, API and clock, as `perform` and its parts get them. */
import type { Collection } from '#api/client/collection.ts';
import type { ConfigMap, Pod, Secret, Service } from '#api/resources/types.ts';
import type { Log } from '#controller/runtime/log.ts';
import type { ContainerRuntime } from '#node-agent/container/runtime.ts';
import type { Images } from '#node-agent/image/images.ts';
import type { PodNetwork } from '#node-agent/network/pod-network.ts';
import type { ObjectSource } from '../volume/object-source.ts';
import type { Volumes } from '../volume/volumes.ts';
import type { ImagePulls } from './image-pulls.ts';
import type { KeptContainers } from './kept-containers.ts';
import type { NodePaths } from './paths.ts';
import type { PodEvents } from './pod-events.ts';
import type { PodState } from './pod-state.ts';
import type { ClusterNames } from './resolver-file.ts';
import type { StatusWriter } from './status-writer.ts';
import type { Failure } from './view.ts';

export interface NodeSettings {
  readonly nodeName: string;
  readonly hostname: string;
  readonly hostIPs: readonly string[];
  readonly cgroupRoot: string;
  /** Where pods ask for names of the cluster; absent: nowhere. */
  readonly names?: ClusterNames;
  readonly capacity: { readonly cpuMillis: number; readonly memoryBytes: number };
}

export interface World {
  readonly node: NodeSettings;
  readonly paths: NodePaths;
  readonly runtime: ContainerRuntime;
  readonly images: Images;
  readonly pulls: ImagePulls;
  readonly network: PodNetwork;
  readonly volumes: Volumes;
  /** What Containers keep while their Pods come and go. */
  readonly kept: KeptContainers;
  readonly pods: Collection<Pod>;
  readonly configMaps: ObjectSource<ConfigMap>;
  readonly secrets: ObjectSource<Secret>;
  /** Services whose variables a pod of the namespace gets; waits until they are known. */
  readonly servicesFor: (namespace: string) => Promise<readonly Service[]>;
  readonly status: StatusWriter;
  readonly events: PodEvents;
  /** Why a pod that is new here is not taken while the node is short of something. */
  readonly pressure: { refusal(pod: Pod): Failure | undefined };
  /** The pods of this node by uid, as the pod controller keeps them: some share namespaces of others. */
  readonly states: Map<string, PodState>;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
