/** Brings a pod's surroundings up: network and sandbox, volumes and images side by side. */
import { randomBytes } from 'node:crypto';
import type { Pod } from '#api/resources/types.ts';
import { podLabels } from './labels.ts';
import { podHostname, writePodFiles } from './pod-files.ts';
import type { PodState } from './pod-state.ts';
import { podCgroupPath, podResources, qosClass } from './resources.ts';
import type { World } from './world.ts';

/** A name no other sandbox or container on any node has: 64 hexadecimal digits. */
export const newId = (): string => randomBytes(32).toString('hex');

/**
 * Network, sandbox, /etc files and volumes; what stands already (after a restart of the agent) is kept. A failure is
 * remembered in the state, said in an event, and tried again by the plan.
 */
export async function setUp(world: World, state: PodState, pod: Pod): Promise<void> {
  state.standing = true;
  const parts = await Promise.allSettled([
    sandbox(world, state, pod),
    world.volumes.prepare(pod),
    warmImages(world, pod),
  ]);
  const [network, volumes] = parts;
  if (network.status === 'rejected') {
    fail(world, state, { pod, reason: 'FailedCreatePodSandBox', cause: network.reason });
    return;
  }
  if (volumes.status === 'rejected') {
    fail(world, state, { pod, reason: 'FailedMount', cause: volumes.reason });
    return;
  }
  state.setUpDone(volumes.value);
}

function fail(
  world: World,
  state: PodState,
  failure: { readonly pod: Pod; readonly reason: string; readonly cause: unknown },
): void {
  const message = failure.cause instanceof Error ? failure.cause.message : String(failure.cause);
  state.setUpFailed({ reason: failure.reason, message }, world.now());
  world.events.warn(failure.pod, failure.reason, message);
}

async function sandbox(world: World, state: PodState, pod: Pod): Promise<void> {
  const { identity } = state;
  const hostNetwork = pod.spec?.hostNetwork === true;
  const address = hostNetwork ? undefined : await world.network.attach(identity.uid);
  const ip = address?.ip ?? world.node.hostIPs[0] ?? '';
  state.ip = ip;
  const hostname = podHostname(pod, world.node.hostname);
  const files = writePodFiles(world.paths, pod, { hostname, ip });
  if (state.sandboxId === undefined) {
    const id = newId();
    await world.runtime.createSandbox({
      id,
      hostname,
      ...(address === undefined ? {} : { netnsPath: address.netnsPath }),
      hostIpc: pod.spec?.hostIPC === true,
      hostPid: pod.spec?.hostPID === true,
      cgroupPath: podCgroupPath(world.node.cgroupRoot, qosClass(pod), identity.uid),
      resources: podResources(pod),
      labels: podLabels(identity),
    });
    state.sandboxId = id;
  }
  await files;
}

/** Looks the images up and unpacks their layers meanwhile; `start` meets what fails here again and reports it. */
async function warmImages(world: World, pod: Pod): Promise<void> {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const references = new Set(containers.map(({ image }) => image ?? ''));
  const warm = async (reference: string) => {
    const image = await world.images.find(reference);
    if (image !== undefined) await world.images.layers(image);
  };
  await Promise.allSettled([...references].map(warm));
}
