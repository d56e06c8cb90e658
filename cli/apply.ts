/** Makes the cluster follow one document after another. */
import { isDeepStrictEqual } from 'node:util';
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject, ApplyOptions } from '#api/client/collection.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { hasReason, StatusError } from '#api/resources/status.ts';
import { type DiscoveredType, discover, typeOfKind } from './discovery.ts';
import type { Manifest } from './manifests.ts';

/** The owner of all that documents say; a document counts for more than what others have made of its fields. */
const usual: ApplyOptions = { fieldManager: 'bay', force: true };

export type Outcome = 'created' | 'configured' | 'unchanged';

export interface Applied {
  readonly manifest: Manifest;
  readonly type: DiscoveredType;
  readonly object: KubeObject;
  readonly outcome: Outcome;
}

type Live = ApiObject & Record<string, unknown>;

async function applyObject(
  client: RemoteClient,
  type: DiscoveredType,
  object: KubeObject,
  owner: ApplyOptions,
): Promise<Pick<Applied, 'object' | 'outcome'>> {
  const collection = client.collection<Live>(type);
  if (object.metadata.name === undefined) {
    return { object: await collection.create(object as Live), outcome: 'created' };
  }
  const before = await collection.get(object.metadata).catch((error: unknown) => {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  });
  // A document that was written from a cluster's answer says who owned what then.
  const { managedFields: _, ...metadata } = object.metadata;
  const after = await client.apply<Live>(type, { ...object, metadata }, owner);
  if (before === undefined) return { object: after, outcome: 'created' };
  const same = isDeepStrictEqual(whatIsSaid(after), whatIsSaid(before));
  return { object: after, outcome: same ? 'unchanged' : 'configured' };
}

/** What documents say of an object; its version and status move by themselves, also between our two requests. */
function whatIsSaid({ status: _status, ...object }: Live): Record<string, unknown> {
  const { resourceVersion: _version, managedFields: _owners, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/**
 * Applies the documents in order; a failing one is told to `onProblem` and does not keep the others back. Types that the
 * server learns from an earlier document (a CustomResourceDefinition) are looked up again.
 */
export async function applyManifests(
  client: RemoteClient,
  manifests: readonly Manifest[],
  namespace: string,
  report: {
    onApplied(applied: Applied): void;
    onProblem(manifest: Manifest, error: Error): void;
  },
  owner: ApplyOptions = usual,
): Promise<void> {
  let types = await discover(client);
  for (const manifest of manifests) {
    try {
      let type = typeOfKind(types, manifest.object);
      if (type === undefined) {
        types = await discover(client);
        type = typeOfKind(types, manifest.object);
      }
      const { apiVersion, kind } = manifest.object;
      if (type === undefined) throw new Error(`the server has no kind ${kind} in ${apiVersion}`);
      const metadata = type.namespaced
        ? { namespace, ...manifest.object.metadata }
        : manifest.object.metadata;
      const applied = await applyObject(client, type, { ...manifest.object, metadata }, owner);
      report.onApplied({ manifest, type, ...applied });
    } catch (error) {
      if (error instanceof StatusError && error.reason === 'ServiceUnavailable') throw error;
      report.onProblem(manifest, error as Error);
    }
  }
}
