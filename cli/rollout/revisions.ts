/** The revisions that a workload has had: ReplicaSets of Deployments, ControllerRevisions of the others. */
import type { RemoteClient } from '#api/client/client.ts';
import { numberOr, objectOr } from '#api/resources/json.ts';
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import { controllerOf } from '#api/resources/meta.ts';
import { controllerRevisions, replicaSets } from '#api/resources/resource-types.ts';
import type { Found } from '../documents/select.ts';
import { annotationOf, isKind, notSupported, specOf } from './kinds.ts';

export interface Revision {
  readonly number: number;
  readonly cause: string;
  /** What pods are made of. */
  readonly template: Record<string, unknown>;
  readonly object: KubeObject;
}

export const revisionKey = 'deployment.kubernetes.io/revision';
const causeKey = 'kubernetes.io/change-cause';

const causeOf = (object: KubeObject): string => annotationOf(object, causeKey);

async function ownedBy(client: RemoteClient, type: ResourceType, { object }: Found) {
  const { namespace = 'default', uid } = object.metadata;
  const { items } = await client.collection<KubeObject>(type).list({ namespace });
  return items.filter((one) => controllerOf(one)?.uid === uid);
}

/** Oldest first. @throws Error for a kind without revisions */
export async function revisionsOf(client: RemoteClient, found: Found): Promise<Revision[]> {
  let revisions: Revision[];
  if (isKind(found, 'Deployment')) {
    const owned = await ownedBy(client, replicaSets, found);
    revisions = owned
      .filter((one) => annotationOf(one, revisionKey) !== '')
      .map((object) => ({
        number: Number(annotationOf(object, revisionKey)),
        cause: causeOf(object),
        template: objectOr(specOf(object)['template']),
        object,
      }));
  } else if (isKind(found, 'DaemonSet', 'StatefulSet')) {
    const owned = await ownedBy(client, controllerRevisions, found);
    revisions = owned.map((object) => ({
      number: numberOr(object['revision']),
      cause: causeOf(object),
      template: templateIn(object['data']),
      object,
    }));
  } else {
    throw notSupported(found, 'a roll-out history');
  }
  return revisions.sort((a, b) => a.number - b.number);
}

function templateIn(data: unknown): Record<string, unknown> {
  const { $patch: _, ...template } = objectOr(objectOr(objectOr(data)['spec'])['template']);
  return template;
}
