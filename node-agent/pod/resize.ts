/** Gives running containers the resources that their pod was promised while they ran. */
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { mergeResources, type Resources } from '#node-agent/container/cgroup-resources.ts';
import { wholePod } from './allocation.ts';
import type { Action } from './plan.ts';
import type { PodState } from './pod-state.ts';
import { containerResources, podResources } from './resources.ts';
import { isAlive, isSidecar } from './view.ts';
import { limitsToChange } from './wishes.ts';
import type { World } from './world.ts';

/** After a change that the kernel refused: not before this long. */
const retryMs = 5_000;

/** What is not limited says so: a limit may have stood there. */
const unlimited: Resources = { cpu: { quota: -1 }, memory: { limit: -1 } };

const asked = (resources: Resources): Resources => mergeResources(unlimited, resources);

/** Containers that run for the pod's life; their resources may change. */
const lasting = ({ spec }: Pod): readonly PodContainer[] => [
  ...(spec?.initContainers ?? []).filter(isSidecar),
  ...(spec?.containers ?? []),
];

function changeOf(world: World, id: string, container: PodContainer): Resources | undefined {
  const present = world.runtime.get(id)?.spec.resources;
  if (present === undefined) return undefined;
  return limitsToChange(asked(containerResources(container)), present);
}

/** `container` wants a new start for one of the limits that change. */
function wantsRestart({ resizePolicy = [] }: PodContainer, change: Resources): boolean {
  return resizePolicy.some(
    ({ resourceName, restartPolicy }) =>
      restartPolicy === 'RestartContainer' &&
      (resourceName === 'cpu' || resourceName === 'memory') &&
      change[resourceName] !== undefined,
  );
}

/** Compares what runs with what was promised, whenever one of them is new. `pod` has the promised resources. */
export function findSteps(world: World, state: PodState, pod: Pod): void {
  const { resizing } = state;
  const containers = lasting(pod);
  const ids = containers.map(({ name }) => runningId(state, name) ?? '-');
  const signature = ids.join(' ');
  if (resizing.settled === signature) return;
  const [update, restart]: [string[], string[]] = [[], []];
  for (const container of containers) {
    const { name } = container;
    const id = runningId(state, name);
    if (id === undefined) {
      const attempt = state.attempts(name).at(-1);
      if (!isAlive(attempt) && attempt?.superseded !== true) resizing.held.delete(name);
      continue;
    }
    const change = changeOf(world, id, container);
    if (change === undefined) resizing.held.delete(name);
    else if (wantsRestart(container, change)) {
      state.annotate(id, { superseded: true });
      restart.push(name);
    } else update.push(name);
  }
  const sandbox = sandboxChange(world, state, pod, restart.length > 0) !== undefined;
  if (!sandbox) resizing.held.delete(wholePod);
  if (update.length > 0 || restart.length > 0 || sandbox) {
    resizing.steps = { update, restart, sandbox };
    return;
  }
  if (resizing.steps.update.length > 0 && resizing.held.size === 0) {
    const message = `Pod resize completed: generation ${resizing.generation}`;
    world.events.note(pod, 'ResizeCompleted', message);
  }
  resizing.settle(signature);
}

function runningId(state: PodState, name: string): string | undefined {
  const attempt = state.attempts(name).at(-1);
  return attempt?.state.phase === 'running' ? attempt.id : undefined;
}

/** What of the shared cgroup is to change; `onlyWider`: a container still has more than it was promised. */
function sandboxChange(
  world: World,
  state: PodState,
  pod: Pod,
  onlyWider: boolean,
): Resources | undefined {
  if (state.sandboxId === undefined) return undefined;
  const present = world.runtime.sandbox(state.sandboxId)?.resources;
  if (present === undefined) return undefined;
  const wanted = asked(podResources(pod));
  return limitsToChange(onlyWider ? wider(wanted, present) : wanted, present);
}

const more = (a = -1, b = -1): number => (a < 0 || b < 0 ? -1 : Math.max(a, b));

/** The larger of both limits. Quotas are of one period. */
function wider(wanted: Resources, present: Resources): Resources {
  return {
    cpu: { ...wanted.cpu, quota: more(wanted.cpu?.quota, present.cpu?.quota) },
    memory: { limit: more(wanted.memory?.limit, present.memory?.limit) },
  };
}

/** Kernels kill for a limit below what is used: that is looked at first. */
const checked = ({ memory, ...rest }: Resources): Resources =>
  memory === undefined ? rest : { ...rest, memory: { ...memory, checkBeforeUpdate: true } };

async function change(world: World, state: PodState, pod: Pod, names: readonly string[]) {
  const { sandboxId } = state;
  const give = async (onlyWider: boolean) => {
    const limits = sandboxChange(world, state, pod, onlyWider);
    if (limits === undefined || sandboxId === undefined) return;
    await world.runtime.updateSandbox(sandboxId, limits);
  };
  await give(true);
  for (const container of lasting(pod).filter(({ name }) => names.includes(name))) {
    const id = runningId(state, container.name);
    const limits = id === undefined ? undefined : changeOf(world, id, container);
    if (id !== undefined && limits !== undefined) await world.runtime.update(id, checked(limits));
  }
  if (state.resizing.steps.restart.length === 0) await give(false);
}

/** What the kernel refuses is told in status and events, and tried again. */
export async function resizeContainers(
  world: World,
  state: PodState,
  pod: Pod,
  { containers }: Extract<Action, { type: 'resize' }>,
): Promise<void> {
  const { resizing } = state;
  try {
    await change(world, state, pod, containers);
    resizing.problem = undefined;
  } catch (error) {
    const ended = containers.some((name) => runningId(state, name) === undefined);
    if (ended) return;
    const { message } = error as Error;
    if (resizing.problem?.message !== message) {
      world.events.warn(pod, 'ResizeError', `Pod resize error: ${message}`);
    }
    resizing.problem = { message, retryAt: world.now() + retryMs };
  }
}
