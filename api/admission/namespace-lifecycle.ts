/** Nothing is made in a namespace that is missing or going, and the system's namespaces stay. */
import type { KubeObject } from '#api/resources/meta.ts';
import { failure, forbidden, notFound, type StatusError } from '#api/resources/status.ts';
import type { Kind } from '../schema/kind.ts';

const NAMESPACES = { group: '', plural: 'namespaces' };
const IMMORTAL = ['default', 'kube-system', 'kube-public'];

function terminating(kind: Kind, name: string, namespace: string): StatusError {
  const resource = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return failure(403, 'Forbidden', `${resource} ${JSON.stringify(name)} is forbidden: ${why}`, {
    name,
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.plural,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  });
}

/** 404 if the object's namespace does not exist, 403 with the cause NamespaceTerminating if it is being deleted. */
export function checkNamespace(
  kind: Kind,
  object: KubeObject,
  findNamespace: (name: string) => KubeObject | undefined,
): StatusError | undefined {
  const { namespace, name } = object.metadata;
  if (!kind.namespaced || kind.virtual || namespace === undefined) return undefined;
  const found = findNamespace(namespace);
  if (found === undefined) return notFound(NAMESPACES, namespace);
  if (found.metadata.deletionTimestamp === undefined) return undefined;
  return terminating(kind, name, namespace);
}

/** 403 for the namespaces the cluster itself lives in. */
export function checkNamespaceDeletion(kind: Kind, name: string): StatusError | undefined {
  if (kind.group !== '' || kind.kind !== 'Namespace' || !IMMORTAL.includes(name)) return undefined;
  return forbidden(NAMESPACES, name, 'this namespace may not be deleted');
}
