/** Containers whose namespaces come from containers of other pods of this node (`controller/container/sharing.ts`). */
import type { Pod } from '#api/resources/types.ts';
import type { JoinedContainers } from '#node-agent/container/runtime.ts';
import { ownSettings } from './own-settings.ts';
import type { PodState } from './pod-state.ts';
import type { World } from './world.ts';

/** A Container's, in its Pod (`controller/container/pod.ts`): others there were added to debug it. */
const mainContainer = 'main';
const kinds = ['network', 'ipc', 'pid'] as const;

function peerOf({ states }: World, pod: Pod, uid: string): PodState | undefined {
  const peer = states.get(uid);
  // Another namespace's pods are nobody's to share with, whatever an annotation says.
  return peer?.identity.namespace === pod.metadata.namespace ? peer : undefined;
}

const joinedBy = (pod: Pod) => ownSettings(pod).joined ?? {};

/** The pod's network is another pod's, with its address. */
export const joinsNetwork = (pod: Pod): boolean => joinedBy(pod).network !== undefined;

/** The address of the pod whose network it is, which a new life of the agent may not know yet; empty: it has none. */
export const addressOfPeer = (world: World, pod: Pod): string =>
  peerOf(world, pod, joinedBy(pod).network ?? '')?.ip ?? pod.status?.podIP ?? '';

/** @throws Error when one of them does not run: it is tried again later */
export function joinedContainers(world: World, pod: Pod): JoinedContainers | undefined {
  const uids = joinedBy(pod);
  const wanted = kinds.filter((kind) => uids[kind] !== undefined);
  if (wanted.length === 0) return undefined;
  return Object.fromEntries(
    wanted.map((kind) => {
      const peer = peerOf(world, pod, uids[kind] ?? '');
      const running = peer?.allAttempts().find(({ id, container }) => {
        return container === mainContainer && world.runtime.get(id)?.state.phase === 'running';
      });
      if (running !== undefined) return [kind, running.id];
      const name = peer?.identity.name ?? `of Pod ${uids[kind]}`;
      throw new Error(`cannot join ${kind} of a non running container: ${name}`);
    }),
  );
}
