/** `bay rollout undo`. */
import type { RemoteClient } from '#api/client/client.ts';
import { equalJson, isObject, objectOr } from '#api/resources/json.ts';
import type { Change } from '../documents/change.ts';
import { patchPlace, type WriteOptions } from '../documents/requests.ts';
import type { Found } from '../documents/select.ts';
import { objectLabel } from '../object-name.ts';
import { templateText } from './history.ts';
import { annotationOf, isKind, specOf } from './kinds.ts';
import { type Revision, revisionKey, revisionsOf } from './revisions.ts';

const hashLabel = 'pod-template-hash';

/** A ReplicaSet's template without the label that tells it from its siblings. */
function withoutHash(template: Record<string, unknown>): Record<string, unknown> {
  const metadata = objectOr(template['metadata']);
  const { [hashLabel]: _, ...labels } = objectOr(metadata['labels']);
  return { ...template, metadata: { ...metadata, labels } };
}

function chosen(found: Found, revisions: readonly Revision[], wanted: number): Revision {
  if (wanted > 0) {
    const one = revisions.find(({ number }) => number === wanted);
    if (one !== undefined) return one;
    throw new Error(
      `unable to find specified revision ${wanted} in history; 'bay rollout history ${objectLabel(found.type, found.name)}' lists them`,
    );
  }
  const before = revisions.at(-2);
  if (before !== undefined) return before;
  throw new Error(
    isKind(found, 'Deployment')
      ? `no rollout history found for deployment "${found.name}"`
      : 'no last revision to roll back to',
  );
}

async function undoDeployment(
  client: RemoteClient,
  found: Found,
  to: Revision,
  options: WriteOptions,
): Promise<boolean> {
  const { object } = found;
  if (specOf(object)['paused'] === true) {
    throw new Error(
      `you cannot rollback a paused deployment; resume it first with 'bay rollout resume ${objectLabel(found.type, found.name)}' and try again`,
    );
  }
  const template = withoutHash(to.template);
  if (equalJson(withoutHash(objectOr(specOf(object)['template'])), template)) return false;
  const own = [
    revisionKey,
    'deployment.kubernetes.io/desired-replicas',
    'deployment.kubernetes.io/max-replicas',
    'deployment.kubernetes.io/revision-history',
    'kubectl.kubernetes.io/last-applied-configuration',
  ];
  const kept = own.filter((key) => annotationOf(object, key) !== '');
  const annotations = {
    ...Object.fromEntries(
      Object.entries(to.object.metadata.annotations ?? {}).filter(([key]) => !own.includes(key)),
    ),
    ...Object.fromEntries(kept.map((key) => [key, annotationOf(object, key)])),
  };
  const patch = [
    { op: 'replace', path: '/spec/template', value: template },
    { op: 'replace', path: '/metadata/annotations', value: annotations },
  ];
  const usable = object.metadata.annotations === undefined ? patch.slice(0, 1) : patch;
  await patchPlace(client, found, usable, 'json', options);
  return true;
}

/** Whether the object is already what the patch makes of it. */
function isMatched(object: unknown, patch: unknown): boolean {
  if (!isObject(patch)) return equalJson(object, patch);
  const fields = Object.entries(patch).filter(([field]) => field !== '$patch');
  return fields.every(([field, value]) => isMatched(objectOr(object)[field], value));
}

/**
 * Goes back to a revision (0: the one before). What is told is kubectl's: with `-o` the object as it was before, with `--dry-run=client`
 * the template that pods would be made of. @throws Error if there is no such revision
 */
export async function undo(
  client: RemoteClient,
  found: Found,
  wanted: number,
  { dryRun, options, tell }: Change,
): Promise<void> {
  const to = chosen(found, await revisionsOf(client, found), wanted);
  const say = (what: string) => tell(found.type, what, found.object);
  if (dryRun === 'client') return say(templateText({ ...to, cause: '' }));
  const isBack = isKind(found, 'Deployment')
    ? await undoDeployment(client, found, to, options)
    : await undoOther(client, found, to, options);
  say(
    isBack
      ? 'rolled back'
      : `skipped rollback (current template already matches revision ${wanted})`,
  );
}

/** Resolves with whether there was anything to change. */
async function undoOther(
  client: RemoteClient,
  found: Found,
  { object: { data } }: Revision,
  options: WriteOptions,
): Promise<boolean> {
  if (isMatched(found.object, data)) return false;
  await patchPlace(client, found, data, 'strategic', options);
  return true;
}
