/** Brings a pod's surroundings up: network and sandbox, volumes and images side by side. */
import { randomBytes } from 'node:crypto';
import type { Pod } from '#api/resources/types.ts';
import { layGroundwork } from './groundwork.ts';
import { refusalOf, sandboxSettings } from './isolation.ts';
import { addressOfPeer, joinsNetwork } from './joining.ts';
import { podLabels } from './labels.ts';
import { ownSettings } from './own-settings.ts';
import { podHostname, writePodFiles } from './pod-files.ts';
import type { PodState } from './pod-state.ts';
import { podCgroupPath, podResources, qosClass } from './resources.ts';
import { sandboxFailure } from './view.ts';
import type { World } from './world.ts';

/** A name no other sandbox or container on any node has: 64 hexadecimal digits. */
export const newId = (): string => randomBytes(32).toString('hex');

/**
 * Network, sandbox, /etc files and volumes; what stands already (after a restart of the agent) is kept. A failure is
 * remembered in the state, said in an event, and tried again by the plan; what is refused fails the pod for good.
 */
export async function setUp(world: World, state: PodState, pod: Pod): Promise<void> {
  const isNew = !state.standing && state.allAttempts().length === 0;
  const refused = refusalOf(pod) ?? (isNew ? world.pressure.refusal(pod) : undefined);
  if (refused !== undefined) {
    state.refused = refused;
    world.events.warn(pod, refused.reason, refused.message);
    return;
  }
  state.standing = true;
  layFirst(world, state, pod);
  const parts = await Promise.allSettled([
    surroundings(world, state, pod),
    world.volumes.prepare(pod),
  ]);
  const [network, volumes] = parts;
  if (network.status === 'rejected') {
    fail(world, state, { pod, reason: sandboxFailure, cause: network.reason });
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
  const intro = failure.reason === sandboxFailure ? 'Failed to create pod sandbox: ' : '';
  world.events.warn(failure.pod, failure.reason, `${intro}${message}`);
}

/** Network and sandbox side by side: a sandbox only names the namespace that its containers will join. */
async function surroundings(world: World, state: PodState, pod: Pod): Promise<void> {
  const hostname = podHostname(pod, world.node.hostname);
  await settledAll([
    connect(world, state, pod, hostname),
    state.sandboxId === undefined ? makeSandbox(world, state, pod, hostname) : undefined,
  ]);
}

const isOnHostNetwork = (pod: Pod): boolean => pod.spec?.hostNetwork === true;
const hasNoNetwork = (pod: Pod): boolean =>
  ownSettings(pod).network === 'none' || joinsNetwork(pod);
const isOnBridge = (pod: Pod): boolean => !isOnHostNetwork(pod) && !hasNoNetwork(pod);

async function connect(world: World, state: PodState, pod: Pod, hostname: string): Promise<void> {
  const { uid } = state.identity;
  const address = isOnBridge(pod) ? await world.network.attach(uid) : undefined;
  const own = hasNoNetwork(pod) ? '' : (address?.ip ?? world.node.hostIPs[0] ?? '');
  const ip = joinsNetwork(pod) ? addressOfPeer(world, pod) : own;
  const { names } = world.node;
  writePodFiles(world.paths, pod, { hostname, ip, ...(names === undefined ? {} : { names }) });
  if (ip !== '') state.ip = ip;
}

async function makeSandbox(
  world: World,
  state: PodState,
  pod: Pod,
  hostname: string,
): Promise<void> {
  const { uid } = state.identity;
  const id = newId();
  await world.runtime.createSandbox({
    id,
    hostname,
    ...(isOnBridge(pod) ? { netnsPath: world.network.netnsPath(uid) } : {}),
    hostIpc: pod.spec?.hostIPC === true,
    hostPid: pod.spec?.hostPID === true,
    ...sandboxSettings(pod),
    cgroupPath: podCgroupPath(world.node.cgroupRoot, qosClass(pod), uid),
    resources: podResources(pod),
    labels: podLabels(state.identity),
  });
  state.sandboxId = id;
}

/** Waits for all, then throws the first failure: nothing goes on behind the back of what comes next. */
async function settledAll(work: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const part of await Promise.allSettled(work)) {
    if (part.status === 'rejected') throw part.reason;
  }
}

/** Begins what the containers that start first will need; `start` meets what fails here and reports it. */
function layFirst(world: World, state: PodState, pod: Pod): void {
  const inits = pod.spec?.initContainers ?? [];
  const first = inits.length > 0 ? inits.slice(0, 1) : (pod.spec?.containers ?? []);
  for (const container of first) {
    if (state.attempts(container.name).length > 0) continue;
    state.keepGroundwork(container.name, layGroundwork(world, state, pod, container));
  }
}
