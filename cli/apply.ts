/** Makes the cluster follow one document after another. */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import type { KubeObject, ObjectMeta } from '#api/resources/meta.ts';
import { hasReason, StatusError } from '#api/resources/status.ts';
import { type DiscoveredType, discover, typeOfKind } from './discovery.ts';
import type { Manifest } from './manifests.ts';
import { threeWayPatch } from './merge-patch.ts';

/** kubectl's own annotation, so that both tools can follow each other on one object. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

export type Outcome = 'created' | 'configured' | 'unchanged';

export interface Applied {
  readonly manifest: Manifest;
  readonly type: DiscoveredType;
  readonly object: KubeObject;
  readonly outcome: Outcome;
}

type Live = ApiObject & Record<string, unknown>;

function withAnnotation(object: KubeObject): KubeObject {
  const annotations = { ...object.metadata.annotations };
  const { [lastApplied]: _previous, ...others } = annotations;
  const metadata: ObjectMeta = { ...object.metadata };
  if (Object.keys(others).length === 0) delete metadata.annotations;
  else metadata.annotations = others;
  const said = JSON.stringify({ ...object, metadata });
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...others, [lastApplied]: `${said}\n` } },
  };
}

function saidLast(live: Live): unknown {
  const text = live.metadata.annotations?.[lastApplied];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function applyObject(
  client: RemoteClient,
  type: DiscoveredType,
  object: KubeObject,
): Promise<Pick<Applied, 'object' | 'outcome'>> {
  const collection = client.collection<Live>(type);
  const wanted = withAnnotation(object) as Live;
  const live = await collection.get(wanted.metadata).catch((error: unknown) => {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  });
  if (live === undefined) return { object: await collection.create(wanted), outcome: 'created' };
  const patch = threeWayPatch(saidLast(live), wanted, live);
  if (patch === undefined) return { object: live, outcome: 'unchanged' };
  const object_ = await collection.patch(wanted.metadata, patch, 'merge');
  return { object: object_, outcome: 'configured' };
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
      const applied = await applyObject(client, type, { ...manifest.object, metadata });
      report.onApplied({ manifest, type, ...applied });
    } catch (error) {
      if (error instanceof StatusError && error.reason === 'ServiceUnavailable') throw error;
      report.onProblem(manifest, error as Error);
    }
  }
}
