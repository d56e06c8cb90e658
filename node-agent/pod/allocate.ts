/** Promises a pod the node's resources, when it comes and whenever its document asks for others; finds what is to be changed. */
import { equalJson } from '#api/resources/json.ts';
import type { Pod } from '#api/resources/types.ts';
import {
  type Allocated,
  judgeResize,
  toldAllocation,
  wantedResources,
  withAllocated,
} from './allocation.ts';
import { keeperOf } from './kept-containers.ts';
import type { PodState } from './pod-state.ts';
import { findSteps } from './resize.ts';
import { nothing } from './resizing.ts';
import { type NodeAmounts, podRequests } from './resources.ts';
import { isAlive } from './view.ts';
import type { World } from './world.ts';

/** The pod with the resources it is promised, which are those it asks for unless there is no room for more. */
export function allocatedPod(world: World, state: PodState, pod: Pod | undefined): Pod | undefined {
  if (pod === undefined || isOver(state, pod)) {
    release(world, state);
    return pod;
  }
  const { resizing } = state;
  if (resizing.allocated === undefined) begin(state, pod);
  const promised = resizing.allocated ?? new Map();
  const wanted = wantedResources(pod);
  if (same(wanted, promised)) resizing.pending = undefined;
  else if (keeperOf(pod) !== undefined) promise(state, pod, wanted);
  else resize(world, state, pod, { promised, wanted });
  const allocated = withAllocated(pod, resizing.allocated ?? wanted);
  if (keeperOf(pod) === undefined) findSteps(world, state, allocated);
  return allocated;
}

function isOver({ status }: PodState, pod: Pod): boolean {
  const phase = status?.phase ?? pod.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed';
}

const same = (a: Allocated, b: Allocated): boolean =>
  a.size === b.size && [...a].every(([name, one]) => equalJson(one, b.get(name)));

/** In this life of the agent the pod is new. */
function begin(state: PodState, pod: Pod): void {
  const told = toldAllocation(pod);
  promise(state, pod, told);
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  for (const { name, resources } of [...initContainerStatuses, ...containerStatuses]) {
    const differs = resources !== undefined && !equalJson(resources, told.get(name));
    if (differs) state.resizing.held.set(name, resources);
  }
}

function promise({ resizing }: PodState, pod: Pod, allocated: Allocated): void {
  resizing.allocated = allocated;
  resizing.claim = podRequests(withAllocated(pod, allocated));
  resizing.generation = pod.metadata.generation;
  resizing.pending = undefined;
  resizing.settled = undefined;
}

function resize(
  world: World,
  state: PodState,
  pod: Pod,
  { promised, wanted }: { readonly promised: Allocated; readonly wanted: Allocated },
): void {
  const { resizing } = state;
  const { claim: present } = resizing;
  const room = { present, others: takenByOthers(world, state), capacity: world.node.capacity };
  const pending = judgeResize(pod, room);
  if (pending !== undefined) {
    const { reason, message } = pending;
    const isNews = resizing.pending?.reason !== reason || resizing.pending.message !== message;
    if (isNews) world.events.warn(pod, `Resize${reason}`, `Pod resize ${reason}: ${message}`);
    resizing.pending = pending;
    return;
  }
  for (const [name, before] of promised) {
    const changes = !equalJson(before, wanted.get(name));
    if (changes && !resizing.held.has(name)) resizing.held.set(name, before);
  }
  promise(state, pod, wanted);
  world.events.note(pod, 'ResizeStarted', `Pod resize started: generation ${resizing.generation}`);
  wakeDeferred(world, present, resizing.claim);
}

function takenByOthers(world: World, state: PodState): NodeAmounts {
  let { cpuMillis, memoryBytes } = nothing;
  for (const other of world.states.values()) {
    if (other === state) continue;
    cpuMillis += other.resizing.claim.cpuMillis;
    memoryBytes += other.resizing.claim.memoryBytes;
  }
  return { cpuMillis, memoryBytes };
}

/** What has ended takes nothing any more. */
function release(world: World, state: PodState): void {
  const { claim } = state.resizing;
  if (claim === nothing || state.allAttempts().some(isAlive)) return;
  state.resizing.claim = nothing;
  wakeDeferred(world, claim, nothing);
}

/** Where something became free, whoever waits for it looks again. */
function wakeDeferred(world: World, before: NodeAmounts, after: NodeAmounts): void {
  const freed = before.cpuMillis > after.cpuMillis || before.memoryBytes > after.memoryBytes;
  if (!freed) return;
  for (const { resizing, wake } of world.states.values()) {
    if (resizing.pending?.reason === 'Deferred') wake();
  }
}
