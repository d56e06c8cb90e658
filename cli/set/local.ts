/** `--local`: what a command makes of documents in files is shown, and no server is asked. */
import { cloneJson, isObject, type JsonObject, objectsOf, setField } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { UsageError } from '../arguments.ts';
import type { DiscoveredType } from '../discovery.ts';
import { type Change, changeOf } from '../documents/change.ts';
import { tellFailure } from '../documents/each.ts';
import { type Found, manifestsOf, type Selection } from '../documents/select.ts';
import type { Manifest } from '../manifests.ts';

/** Of a strategic patch, as far as our own have it: members of a list are the same by their names. */
function mergedList(before: readonly JsonObject[], patch: readonly JsonObject[]): unknown[] {
  const changes = new Map(patch.map((one) => [one['name'], one]));
  const kept = before.map((one) => {
    const change = changes.get(one['name']);
    changes.delete(one['name']);
    return change === undefined ? one : merged(one, change);
  });
  return [...kept, ...changes.values()];
}

function merged(before: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) return mergedList(objectsOf(before), objectsOf(patch));
  if (!isObject(patch)) return patch;
  const after = isObject(before) ? { ...before } : {};
  for (const [field, change] of Object.entries(patch)) {
    setField(after, field, merged(after[field], change));
  }
  return after;
}

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value: unknown;
}

/** `add` of a field, and `replace`; a file is what it is, and needs no `test`. */
function withOperation(object: KubeObject, { op, path, value }: Operation): void {
  if (op === 'test') return;
  const steps = path.split('/').slice(1);
  const last = steps.pop() ?? '';
  let place: unknown = object;
  for (const step of steps) place = (place as Record<string, unknown>)[step];
  // What is empty is not written.
  if (Array.isArray(value) && value.length === 0) delete (place as Record<string, unknown>)[last];
  else setField(place as JsonObject, last, value);
}

/** Pure: the document with the patch. */
export function patched(object: KubeObject, patch: object): KubeObject {
  if (!Array.isArray(patch)) return merged(object, patch) as KubeObject;
  const after = cloneJson(object);
  for (const operation of patch as Operation[]) withOperation(after, operation);
  return after;
}

/** What can be known of a document without a server. */
function foundIn(manifest: Manifest, namespace: string | undefined): Found {
  const { object } = manifest;
  const [version = '', group = ''] = object.apiVersion.split('/').toReversed();
  const type = { group, version, kind: object.kind } as DiscoveredType;
  const { name, namespace: own = namespace ?? 'default' } = object.metadata;
  return { type, name, namespace: own, object, manifest };
}

/** @throws UsageError for what only a server could tell */
export async function eachLocal(
  values: Parameters<typeof changeOf>[0] & Omit<Selection, 'words'>,
  words: readonly string[],
  each: (found: Found, change: Change) => Promise<void>,
): Promise<number> {
  if (values['dry-run'] === 'server') {
    throw new UsageError(
      'cannot specify --local and --dry-run=server - did you mean --dry-run=client?',
    );
  }
  const hasFiles = (values.filename ?? values.kustomize) !== undefined;
  if (!hasFiles || words.length > 0) {
    throw new UsageError('you must specify resources by --filename alone when --local is set');
  }
  const change = await changeOf(values);
  let failures = 0;
  for (const manifest of await manifestsOf({ ...values, words })) {
    await each(foundIn(manifest, values.namespace), change).catch((error: unknown) => {
      failures += 1;
      tellFailure(error);
    });
  }
  return failures > 0 ? 1 : 0;
}
