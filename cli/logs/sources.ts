/** Whose logs are meant. */
import type { RemoteClient } from '#api/client/client.ts';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { findTarget, type Target } from '../target.ts';

export type LogSource = Target;

export interface Meant {
  readonly name: string | undefined;
  readonly container: string | undefined;
  readonly namespace: string;
  readonly selector: string | undefined;
  /** Every container of each pod. */
  readonly all: boolean;
}

/** kubectl's mark of the container that is meant when none is named. */
const usualContainer = 'kubectl.kubernetes.io/default-container';

function containersOf({ spec }: Pod): string[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec ?? {};
  return [...initContainers, ...containers, ...ephemeralContainers].map(({ name }) => name);
}

function ofPod(pod: Pod, { container, all, namespace }: Meant): LogSource[] {
  const of = { namespace, pod: pod.metadata.name };
  if (all) return containersOf(pod).map((name) => ({ ...of, container: name }));
  if (container !== undefined) return [{ ...of, container }];
  const containers = pod.spec?.containers ?? [];
  const [first] = containers;
  if (first === undefined) return [of];
  if (containers.length === 1) return [{ ...of, container: first.name }];
  const marked = pod.metadata.annotations?.[usualContainer];
  if (marked !== undefined) return [{ ...of, container: marked }];
  process.stderr.write(
    `Defaulted container "${first.name}" out of: ${containersOf(pod).join(', ')}\n`,
  );
  return [{ ...of, container: first.name }];
}

/** One a log. @throws StatusError, Error if there is none */
export async function sourcesOf(client: RemoteClient, meant: Meant): Promise<LogSource[]> {
  const { name, namespace, selector } = meant;
  const all = client.collection<Pod>(pods);
  if (selector !== undefined) {
    const { items } = await all.list({ namespace, labelSelector: selector });
    if (items.length === 0) process.stderr.write(`No resources found in ${namespace} namespace.\n`);
    return items.flatMap((pod) => ofPod(pod, meant));
  }
  const target = await findTarget(client, name ?? '', namespace, meant.container);
  // A Container has one, whether it runs or not; one that is named needs nothing more to be known.
  if (target.isContainer || (target.container !== undefined && !meant.all)) return [target];
  return ofPod(await all.get({ name: target.pod, namespace }), meant);
}
