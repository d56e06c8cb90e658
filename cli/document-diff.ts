/** `bay diff -f`: what applying documents would change, as the server itself says; nothing is stored. */
import { stringify } from 'yaml';
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { isObject, objectOr } from '#api/resources/json.ts';
import { hasReason } from '#api/resources/status.ts';
import { applyManifests } from './apply.ts';
import { discover, typeOfKind } from './discovery.ts';
import type { Manifest } from './manifests.ts';
import { objectLabel } from './object-name.ts';
import { unifiedDiff } from './unified-diff.ts';

/** What changes by itself, and what others have to say. */
const ownMetadata = ['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp'];

type Values = Record<string, unknown>;

function shown(object: ApiObject, values: Values): string {
  const { status: _, ...rest } = object as ApiObject & Values;
  const metadata = Object.fromEntries(
    Object.entries(object.metadata).filter(([field]) => !ownMetadata.includes(field)),
  );
  return stringify({ ...rest, metadata, ...values }, { sortMapEntries: true });
}

/** A Secret's values are never shown; that they differ is. */
function masked(object: ApiObject | undefined, other: ApiObject | undefined, when: string): Values {
  if ((object ?? other)?.kind !== 'Secret') return {};
  const own = objectOr((object as unknown as Values | undefined)?.['data']);
  const others = objectOr((other as unknown as Values | undefined)?.['data']);
  const mask = ([key, value]: [string, unknown]) => {
    const same = !Object.hasOwn(others, key) || others[key] === value;
    return [key, same ? '***' : `*** (${when})`];
  };
  return isObject(own) ? { data: Object.fromEntries(Object.entries(own).map(mask)) } : {};
}

/** Resolves with the text of all differences, and how many documents the server refuses. */
export async function documentDiff(
  client: RemoteClient,
  manifests: readonly Manifest[],
  namespace: string,
): Promise<{ readonly text: string; readonly failed: number }> {
  const types = await discover(client);
  const before = new Map<Manifest, ApiObject | undefined>();
  for (const manifest of manifests) {
    const type = typeOfKind(types, manifest.object);
    if (type === undefined) continue;
    const ref = type.namespaced
      ? { namespace, ...manifest.object.metadata }
      : manifest.object.metadata;
    const found = client.collection<ApiObject>(type).get(ref);
    const absent = (error: unknown) => {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    };
    before.set(manifest, await found.catch(absent));
  }
  let text = '';
  let failed = 0;
  const dry = { fieldManager: 'bay', force: true, dryRun: 'All' } as const;
  const report = {
    onApplied: ({ manifest, type, object }: Parameters<Report['onApplied']>[0]) => {
      const old = before.get(manifest);
      const after = object as ApiObject;
      const label = objectLabel(type, object.metadata.name);
      text += unifiedDiff(
        {
          name: old === undefined ? '/dev/null' : `live/${label}`,
          text: old === undefined ? '' : shown(old, masked(old, after, 'before')),
        },
        { name: `${manifest.place} ${label}`, text: shown(after, masked(after, old, 'after')) },
      );
    },
    onProblem: ({ place, object }: Manifest, error: Error) => {
      failed += 1;
      const what = `${object.kind} ${object.metadata.name}`;
      process.stderr.write(`bay: ${place}: ${what}: ${error.message}\n`);
    },
  };
  await applyManifests(client, manifests, namespace, report, dry);
  return { text, failed };
}

type Report = Parameters<typeof applyManifests>[3];
