/** The descriptions of PersistentVolumes and StorageClasses. */
import { humanDuration } from '#api/resources/duration.ts';
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { shortModes } from './account.ts';
import type { Subject } from './describe.ts';
import { describeSource, isSource } from './volumes.ts';
import { pairsOf, type Writer } from './writer.ts';

const textsOf = (list: unknown): string[] => (Array.isArray(list) ? list.map(String) : []);

/** `Term 0:  KEY in [A, B]`, one expression a line. */
function describeTerm(
  out: Writer,
  { level, title }: { readonly level: number; readonly title: string },
  expressions: readonly JsonObject[],
): void {
  if (expressions.length === 0) out.field(level, title, '<none>');
  for (const [index, { key, operator = 'In', values }] of expressions.entries()) {
    const among = values === undefined ? '' : ` [${textsOf(values).join(', ')}]`;
    const text = `${key} ${String(operator).toLowerCase()}${among}`;
    out.line(level, `${index === 0 ? `${title}:` : ''}\t${text}`);
  }
}

function describeNodeAffinity(out: Writer, affinity: unknown): void {
  const { required } = objectOr(affinity);
  if (required === undefined) {
    out.field(0, 'Node Affinity', '<none>');
    return;
  }
  out.field(0, 'Node Affinity', '');
  const terms = objectsOf(objectOr(required)['nodeSelectorTerms']);
  out.field(1, 'Required Terms', terms.length === 0 ? '<none>' : '');
  for (const [index, term] of terms.entries()) {
    const place = { level: 2, title: `Term ${index}` };
    describeTerm(out, place, objectsOf(term['matchExpressions']));
  }
}

function statusOf({ metadata, ...object }: Subject['object']): string {
  const { deletionTimestamp } = metadata;
  if (deletionTimestamp === undefined) return stringOr(objectOr(object['status'])['phase']);
  const since = Date.now() - Date.parse(deletionTimestamp);
  return `Terminating (lasts ${humanDuration(since)})`;
}

export function describePersistentVolume(out: Writer, { object }: Subject): void {
  const { name, labels, annotations, finalizers = [] } = object.metadata;
  const spec = objectOr(object['spec']);
  const claim = objectOr(spec['claimRef']);
  out.field(0, 'Name', name);
  out.labels('Labels', labels);
  out.annotations('Annotations', annotations);
  out.field(0, 'Finalizers', `[${finalizers.join(' ')}]`);
  out.field(0, 'StorageClass', stringOr(spec['storageClassName']));
  out.field(0, 'Status', statusOf(object));
  const isClaimed = spec['claimRef'] !== undefined;
  out.field(0, 'Claim', isClaimed ? `${claim['namespace']}/${claim['name']}` : '');
  out.field(0, 'Reclaim Policy', stringOr(spec['persistentVolumeReclaimPolicy']));
  const modes = textsOf(spec['accessModes']).map((mode) => shortModes[mode]);
  out.field(0, 'Access Modes', modes.join(','));
  out.optional(0, 'VolumeMode', spec['volumeMode']);
  out.field(0, 'Capacity', stringOr(objectOr(spec['capacity'])['storage']));
  describeNodeAffinity(out, spec['nodeAffinity']);
  out.field(0, 'Message', stringOr(objectOr(object['status'])['message']));
  out.line(0, 'Source:');
  const kind = Object.keys(spec).find(isSource);
  if (kind === undefined) out.line(2, '<unknown>');
  else describeSource(out, kind, spec[kind]);
}

const defaultClass = 'storageclass.kubernetes.io/is-default-class';
const inOneLine = (map: unknown): string =>
  pairsOf(map)
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '<none>';

export function describeStorageClass(out: Writer, { object }: Subject): void {
  const { name, annotations = {} } = object.metadata;
  out.field(0, 'Name', name);
  out.field(0, 'IsDefaultClass', annotations[defaultClass] === 'true' ? 'Yes' : 'No');
  out.field(0, 'Annotations', inOneLine(annotations));
  out.field(0, 'Provisioner', object['provisioner']);
  out.field(0, 'Parameters', inOneLine(object['parameters']));
  const mayGrow = object['allowVolumeExpansion'];
  out.field(
    0,
    'AllowVolumeExpansion',
    mayGrow === undefined ? '<unset>' : mayGrow === true ? 'True' : 'False',
  );
  const mounts = textsOf(object['mountOptions']);
  if (mounts.length === 0) out.field(0, 'MountOptions', '<none>');
  else {
    out.line(0, 'MountOptions:');
    for (const option of mounts) out.line(1, option);
  }
  out.optional(0, 'ReclaimPolicy', object['reclaimPolicy']);
  out.optional(0, 'VolumeBindingMode', object['volumeBindingMode']);
  if (object['allowedTopologies'] === undefined) return;
  out.field(0, 'AllowedTopologies', '');
  for (const [index, term] of objectsOf(object['allowedTopologies']).entries()) {
    const place = { level: 1, title: `Term ${index}` };
    describeTerm(out, place, objectsOf(term['matchLabelExpressions']));
  }
}
