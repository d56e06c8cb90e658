/** `bay rollout undo`. */
import type { RemoteClient } from '#api/client/client.ts';
import { equalJson, isObject, objectOr } from '#api/resources/json.ts';
import type { DryRun } from '../documents/flags.ts';
import { patchPlace } from '../documents/requests.ts';
import type { Found } from '../documents/select.ts';
import { objectLabel } from '../object-name.ts';
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
  if (before === undefined) {
    throw new Error(`no rollout history found for ${objectLabel(found.type, found.name)}`);
  }
  return before;
}

const skipped = (revision: number): string =>
  `skipped rollback (current template already matches revision ${revision})`;

async function undoDeployment(
  client: RemoteClient,
  found: Found,
  to: Revision,
  isDry: boolean,
): Promise<string> {
  const { object } = found;
  if (specOf(object)['paused'] === true) {
    throw new Error(
      `you cannot rollback a paused deployment; resume it first with 'bay rollout resume ${objectLabel(found.type, found.name)}' and try again`,
    );
  }
  const template = withoutHash(to.template);
  if (equalJson(withoutHash(objectOr(specOf(object)['template'])), template)) {
    return skipped(to.number);
  }
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
  await patchPlace(client, found, usable, 'json', { isDry, fieldManager: 'bay-rollout' });
  return 'rolled back';
}

/** Whether the object is already what the patch makes of it. */
function isMatched(object: unknown, patch: unknown): boolean {
  if (!isObject(patch)) return equalJson(object, patch);
  const fields = Object.entries(patch).filter(([field]) => field !== '$patch');
  return fields.every(([field, value]) => isMatched(objectOr(object)[field], value));
}

/** Resolves with what was done. @throws Error if there is no such revision */
export async function undo(
  client: RemoteClient,
  found: Found,
  wanted: number,
  dryRun: DryRun,
): Promise<string> {
  const to = chosen(found, await revisionsOf(client, found), wanted);
  if (dryRun === 'client') return 'rolled back';
  const isDry = dryRun === 'server';
  if (isKind(found, 'Deployment')) return undoDeployment(client, found, to, isDry);
  const { data } = to.object;
  if (isMatched(found.object, data)) return skipped(to.number);
  await patchPlace(client, found, data, 'strategic', { isDry, fieldManager: 'bay-rollout' });
  return 'rolled back';
}
