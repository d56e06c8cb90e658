/** From an object that is not as it should be to the one that is to blame. */
import type { RemoteClient } from '#api/client/client.ts';
import { controllerOf, type ResourceType } from '#api/resources/meta.ts';
import {
  events,
  jobs,
  nodes,
  persistentVolumeClaims,
  pods,
  replicaSets,
} from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { Event } from '#api/resources/types.ts';
import { objectLabel } from '../object-name.ts';
import { type Cause, causeOf, type Full } from './cause.ts';

export interface Link {
  readonly label: string;
  readonly cause: Cause;
}

/** What kinds make, by which their trouble is explained. */
const childTypes: Readonly<Record<string, readonly ResourceType[]>> = {
  Deployment: [replicaSets],
  ReplicaSet: [pods],
  ReplicationController: [pods],
  StatefulSet: [pods],
  DaemonSet: [pods],
  Job: [pods],
  CronJob: [jobs],
  Container: [pods],
};

const blamed: Readonly<Record<string, ResourceType>> = {
  PersistentVolumeClaim: persistentVolumeClaims,
  Node: nodes,
};

const maxLinks = 8;

/** The youngest child that is in trouble. */
async function childInTrouble(client: RemoteClient, object: Full) {
  for (const type of childTypes[object.kind] ?? []) {
    const { namespace, uid } = object.metadata;
    const { items } = await client
      .collection<Full>(type)
      .list(namespace === undefined ? {} : { namespace });
    const own = items
      .filter(
        (one) => controllerOf(one)?.uid === uid && one.metadata.deletionTimestamp === undefined,
      )
      .sort((a, b) =>
        (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? 1 : -1,
      );
    for (const child of own) {
      const named = { ...child, apiVersion: child.apiVersion, kind: type.kind };
      const cause = causeOf(named);
      if (cause !== undefined) return { type, object: named };
    }
  }
  return undefined;
}

async function blame(client: RemoteClient, object: Full, cause: Cause) {
  const { because } = cause;
  const type = because && blamed[because.kind];
  if (because === undefined || type === undefined) return undefined;
  const { namespace = 'default' } = object.metadata;
  const ref = type.namespaced ? { namespace, name: because.name } : { name: because.name };
  const found = await client
    .collection<Full>(type)
    .get(ref)
    .catch((error: unknown) => {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    });
  return found === undefined ? undefined : { type, object: { ...found, kind: type.kind } };
}

/** The last warning about the object, if there is one. */
export async function lastWarning(client: RemoteClient, object: Full): Promise<string | undefined> {
  const { uid, namespace = 'default' } = object.metadata;
  const { items } = await client.collection<Event>(events).list({
    namespace,
    fieldSelector: `involvedObject.uid=${uid},type=Warning`,
  });
  const timeOf = ({ lastTimestamp, eventTime, metadata }: Event) =>
    String(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '');
  const [last] = [...items].sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
  return last?.message;
}

/** The chain of causes, the object itself first; empty: nothing is wrong. */
export async function chainOf(
  client: RemoteClient,
  type: ResourceType,
  object: Full,
): Promise<{ readonly links: readonly Link[]; readonly warning?: string }> {
  const links: Link[] = [];
  let at: { type: ResourceType; object: Full } | undefined = { type, object };
  let last: Full | undefined;
  while (at !== undefined && links.length < maxLinks) {
    const cause = causeOf(at.object);
    if (cause === undefined) break;
    last = at.object;
    links.push({ label: objectLabel(at.type, at.object.metadata.name), cause });
    at = (await childInTrouble(client, at.object)) ?? (await blame(client, at.object, cause));
  }
  const warning = last === undefined ? undefined : await lastWarning(client, last);
  return { links, ...(warning === undefined ? {} : { warning }) };
}

/** One sentence: `deployment.apps/web is …, because pod/web-x …`. */
export function sentence(links: readonly Link[]): string {
  const parts = links.map(({ label, cause: { says } }) =>
    /^(its|no) /.test(says) ? `${label}: ${says}` : `${label} ${says}`,
  );
  return `${parts.join(', because ')}.`.replace(/\.\.$/, '.');
}
