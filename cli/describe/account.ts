/** The descriptions of service accounts and of claims of volumes. */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { pods, secrets } from '#api/resources/resource-types.ts';
import type { Subject } from './describe.ts';
import { longTime, type Writer } from './writer.ts';

/** The first beside the title, the others below it. */
function listed(out: Writer, title: string, values: readonly unknown[]): void {
  if (values.length === 0) out.field(0, title, '<none>');
  values.forEach((value, index) => {
    out.line(0, `${index === 0 ? `${title}:` : ''}\t${value}`);
  });
}

export async function describeServiceAccount(
  out: Writer,
  { client, object }: Subject,
): Promise<void> {
  const { name, namespace = 'default', uid, labels, annotations } = object.metadata;
  const { items } = await client.collection<KubeObject>(secrets).list({ namespace });
  const known = new Set(items.map(({ metadata }) => metadata.name));
  const tokens = items.filter(({ type, metadata }) => {
    if (type !== 'kubernetes.io/service-account-token') return false;
    const of = metadata.annotations ?? {};
    return (
      of['kubernetes.io/service-account.name'] === name &&
      of['kubernetes.io/service-account.uid'] === uid
    );
  });
  const named = (list: unknown) =>
    objectsOf(list).map((one) => {
      const secret = stringOr(one['name']);
      return known.has(secret) ? secret : `${secret} (not found)`;
    });
  out.field(0, 'Name', name);
  out.field(0, 'Namespace', namespace);
  out.labels('Labels', labels);
  out.annotations('Annotations', annotations);
  listed(out, 'Image pull secrets', named(object['imagePullSecrets']));
  listed(out, 'Mountable secrets', named(object['secrets']));
  listed(
    out,
    'Tokens',
    tokens.map(({ metadata }) => metadata.name),
  );
}

/** Of access modes. */
export const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

const usesClaim = (pod: KubeObject, claim: string): boolean =>
  objectsOf(objectOr(pod['spec'])['volumes']).some(
    ({ persistentVolumeClaim }) => objectOr(persistentVolumeClaim)['claimName'] === claim,
  );

export async function describeClaim(out: Writer, { client, object }: Subject): Promise<void> {
  const { name, namespace = 'default', labels, annotations, finalizers = [] } = object.metadata;
  const spec = objectOr(object['spec']);
  const status = objectOr(object['status']);
  const { items } = await client.collection<KubeObject>(pods).list({ namespace });
  out.field(0, 'Name', name);
  out.field(0, 'Namespace', namespace);
  out.field(0, 'StorageClass', stringOr(spec['storageClassName']));
  const isEnding = object.metadata.deletionTimestamp !== undefined;
  out.field(0, 'Status', isEnding ? 'Terminating' : stringOr(status['phase']));
  const volume = stringOr(spec['volumeName']);
  out.field(0, 'Volume', volume);
  out.labels('Labels', labels);
  out.annotations('Annotations', annotations);
  out.field(0, 'Finalizers', `[${finalizers.join(' ')}]`);
  const modes = (status['accessModes'] as string[] | undefined) ?? [];
  const isBound = volume !== '';
  out.field(0, 'Capacity', isBound ? stringOr(objectOr(status['capacity'])['storage']) : '');
  out.field(0, 'Access Modes', isBound ? modes.map((mode) => shortModes[mode]).join(',') : '');
  out.optional(0, 'VolumeMode', spec['volumeMode']);
  dataSource(out, spec['dataSource']);
  const users = items.filter((pod) => usesClaim(pod, name)).map(({ metadata }) => metadata.name);
  listed(out, 'Used By', users);
  claimConditions(out, objectsOf(status['conditions']));
}

function dataSource(out: Writer, source: unknown): void {
  if (!isObject(source)) return;
  out.line(0, 'DataSource:');
  if (source['apiGroup'] !== undefined) out.field(1, 'APIGroup', source['apiGroup']);
  out.field(1, 'Kind', source['kind']);
  out.field(1, 'Name', source['name']);
}

function claimConditions(out: Writer, conditions: readonly JsonObject[]): void {
  if (conditions.length === 0) return;
  out.line(0, 'Conditions:');
  out.line(1, 'Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage');
  out.line(1, '----\t------\t-----------------\t------------------\t------\t-------');
  for (const { type, status, lastProbeTime, lastTransitionTime, reason, message } of conditions) {
    const times = `${longTime(lastProbeTime)} \t${longTime(lastTransitionTime)}`;
    out.line(1, `${type} \t${status} \t${times} \t${stringOr(reason)}\t${stringOr(message)}`);
  }
}
