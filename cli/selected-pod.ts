/** Which pod is meant by `deploy/web`, `svc/web` and others that select pods. */
import type { RemoteClient } from '#api/client/client.ts';
import { objectOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { pods } from '#api/resources/resource-types.ts';
import { formatLabelSelector, labelSelectorOf, requireLabels } from '#api/resources/selector.ts';
import type { Pod } from '#api/resources/types.ts';
import { UsageError } from './arguments.ts';
import { discover, typeNamed } from './discovery.ts';

export interface PodFound {
  readonly pod: string;
  /** If it was named by a Service. */
  readonly service?: KubeObject;
}

/** What the object selects pods by; `undefined` if it is not of the kinds that do. */
function selectorOf(object: KubeObject): string | undefined {
  const { selector } = objectOr(object['spec']);
  if (selector === undefined) return undefined;
  const isMap = object.kind === 'Service' || object.kind === 'ReplicationController';
  const requirements = isMap
    ? requireLabels(selector as Record<string, string>)
    : labelSelectorOf(selector as Parameters<typeof labelSelectorOf>[0]);
  return requirements === undefined ? undefined : formatLabelSelector(requirements);
}

const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

/** Running before others, ready before those, older before younger. */
function best(found: readonly Pod[]): Pod | undefined {
  const rank = (pod: Pod) =>
    Number(pod.status?.phase === 'Running') * 2 +
    Number(isReady(pod)) -
    Number(pod.metadata.deletionTimestamp !== undefined) * 4;
  const time = ({ metadata }: Pod) => metadata.creationTimestamp ?? '';
  return found.toSorted((a, b) => rank(b) - rank(a) || (time(a) < time(b) ? -1 : 1))[0];
}

/** @throws UsageError for a kind that has no pods, Error if there is none now */
export async function selectedPod(
  client: RemoteClient,
  text: string,
  namespace: string,
): Promise<PodFound> {
  const [kind = '', name = ''] = text.split('/');
  const type = typeNamed(await discover(client), kind);
  const object = await client.collection<KubeObject>(type).get({ name, namespace });
  const of = { ...object, kind: type.kind };
  const labelSelector = selectorOf(of);
  if (labelSelector === undefined || labelSelector === '') {
    throw new UsageError(`cannot find a pod of ${text}: it selects none`);
  }
  const { items } = await client.collection<Pod>(pods).list({ namespace, labelSelector });
  const pod = best(items);
  if (pod === undefined) throw new Error(`${text} has no pods; 'bay why ${text}' tells the cause`);
  return { pod: pod.metadata.name, ...(type.kind === 'Service' ? { service: of } : {}) };
}
