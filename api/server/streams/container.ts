/** Which container of a pod a stream is about. */
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { badRequest } from '#api/resources/status.ts';

/** Names the container that clients mean when they name none. */
const defaultAnnotation = 'kubectl.kubernetes.io/default-container';

/** The container named, else the annotated one, else the only one. Throws 400 in Kubernetes' words. */
export function containerOf(pod: KubeObject, wanted: string | null): string {
  const spec = objectOr(pod['spec']);
  const names = (field: string) => objectsOf(spec[field]).map((each) => stringOr(each['name']));
  const containers = names('containers');
  const initial = names('initContainers');
  const all = [...containers, ...initial, ...names('ephemeralContainers')];
  const { name, annotations } = pod.metadata;
  if (wanted !== null && wanted !== '') {
    if (all.includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  }
  const annotated = annotations?.[defaultAnnotation];
  if (annotated !== undefined && all.includes(annotated)) return annotated;
  const [only] = containers;
  if (containers.length === 1 && only !== undefined) return only;
  const others =
    initial.length === 0 ? '' : ` or one of the init containers: [${initial.join(' ')}]`;
  throw badRequest(
    `a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]${others}`,
  );
}
