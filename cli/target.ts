/** Which container of which pod a person means by `web`, `pod/web` or `container/web`. */
import type { RemoteClient } from '#api/client/client.ts';
import { pods } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import { UsageError } from './arguments.ts';
import { findContainer, NoSuchContainer, tryFindContainer } from './find-container.ts';

export interface Target {
  readonly namespace: string;
  readonly pod: string;
  /** Absent: the pod's only or first one. */
  readonly container?: string;
  /** The pod is a Container's, or would be if it ran. */
  readonly isContainer?: true;
}

/** Kinds whose objects have one pod, of their own name; a name without a kind may be either. */
export const ownKinds = ['', 'po', 'pod', 'pods', 'container', 'containers'];

/**
 * A Container's pod carries the Container's name; a name alone may be either, the Container first. @throws NoSuchContainer for a
 * name alone that is neither's, StatusError `NotFound` for a pod
 */
export async function findTarget(
  client: RemoteClient,
  text: string,
  namespace: string,
  container?: string,
): Promise<Target> {
  const [kind, name] = text.includes('/') ? text.split('/') : ['', text];
  if (name === undefined || name === '') throw new UsageError(`'${text}': the name is missing`);
  const chosen = container === undefined ? {} : { container };
  if (!ownKinds.includes(kind ?? '')) {
    const { selectedPod } = await import('./selected-pod.ts');
    const { pod } = await selectedPod(client, text, namespace);
    return { namespace, pod, ...chosen };
  }
  if (kind === '' || kind?.startsWith('container') === true) {
    const find = kind === '' ? tryFindContainer : findContainer;
    const found = await find(client, name, namespace);
    if (found !== undefined) {
      return { namespace, pod: found.metadata.name, ...chosen, isContainer: true };
    }
  }
  await client
    .collection<Pod>(pods)
    .get({ name, namespace })
    .catch((error: unknown) => {
      // Nobody has said that a pod was meant.
      if (kind === '' && hasReason(error, 'NotFound')) throw new NoSuchContainer(name);
      throw error;
    });
  return { namespace, pod: name, ...chosen };
}

/** The path of a pod's subresource with its query. */
export function podPath(
  { namespace, pod, container }: Target,
  subresource: string,
  query: URLSearchParams,
): string {
  if (container !== undefined) query.set('container', container);
  return `/api/v1/namespaces/${namespace}/pods/${pod}/${subresource}?${query}`;
}
