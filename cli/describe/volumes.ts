/** The volumes of a pod or of a template. */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { pairsOf, type Writer } from './writer.ts';

type Describe = (out: Writer, source: JsonObject) => void;

const type = (out: Writer, text: string): void => out.field(2, 'Type', text);

const sources: Readonly<Record<string, Describe>> = {
  hostPath: (out, { path, type: kind }) => {
    type(out, 'HostPath (bare host directory volume)');
    out.field(2, 'Path', path);
    out.field(2, 'HostPathType', kind ?? '<none>');
  },
  emptyDir: (out, { medium = '', sizeLimit }) => {
    type(out, "EmptyDir (a temporary directory that shares a pod's lifetime)");
    out.field(2, 'Medium', medium);
    out.field(2, 'SizeLimit', sizeLimit ?? '<unset>');
  },
  configMap: (out, { name, optional }) => {
    type(out, 'ConfigMap (a volume populated by a ConfigMap)');
    out.field(2, 'Name', name);
    out.field(2, 'Optional', optional === true);
  },
  secret: (out, { secretName, optional }) => {
    type(out, 'Secret (a volume populated by a Secret)');
    out.field(2, 'SecretName', secretName);
    out.field(2, 'Optional', optional === true);
  },
  persistentVolumeClaim: (out, { claimName, readOnly }) => {
    type(
      out,
      'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)',
    );
    out.field(2, 'ClaimName', claimName);
    out.field(2, 'ReadOnly', readOnly === true);
  },
  downwardAPI: (out, { items }) => {
    type(out, 'DownwardAPI (a volume populated by information about the pod)');
    out.line(2, 'Items:');
    for (const { fieldRef, resourceFieldRef, path } of objectsOf(items)) {
      const from = objectOr(fieldRef)['fieldPath'] ?? objectOr(resourceFieldRef)['resource'];
      out.line(3, `${from} -> ${path}`);
    }
  },
  projected: (out, { sources: parts }) => {
    type(out, 'Projected (a volume that contains injected data from multiple sources)');
    for (const part of objectsOf(parts)) projection(out, part);
  },
  local: (out, { path }) => {
    type(out, 'LocalVolume (a persistent volume backed by local storage on a node)');
    out.field(2, 'Path', path);
  },
  nfs: (out, { server, path, readOnly }) => {
    type(out, 'NFS (an NFS mount that lasts the lifetime of a pod)');
    out.field(2, 'Server', server);
    out.field(2, 'Path', path);
    out.field(2, 'ReadOnly', readOnly === true);
  },
  csi: (out, { driver, fsType, readOnly, volumeAttributes }) => {
    type(out, 'CSI (a Container Storage Interface (CSI) volume source)');
    out.field(2, 'Driver', driver);
    out.field(2, 'FSType', fsType ?? '');
    out.field(2, 'ReadOnly', readOnly === true);
    innerLabels(out, 'VolumeAttributes', volumeAttributes);
  },
  ephemeral: (out, { volumeClaimTemplate }) => {
    type(
      out,
      'EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)',
    );
    const { metadata, spec } = objectOr(volumeClaimTemplate);
    const { labels, annotations } = objectOr(metadata);
    const { storageClassName, volumeName, volumeMode } = objectOr(spec);
    out.field(2, 'StorageClass', stringOr(storageClassName));
    out.field(2, 'Volume', stringOr(volumeName));
    innerLabels(out, 'Labels', labels);
    innerLabels(out, 'Annotations', annotations, ': ');
    out.field(2, 'Capacity', '');
    out.field(2, 'Access Modes', '');
    out.optional(2, 'VolumeMode', volumeMode);
  },
  image: (out, { reference, pullPolicy }) => {
    type(out, 'Image (a container image or OCI artifact)');
    out.field(2, 'Reference', reference);
    out.field(2, 'PullPolicy', pullPolicy);
  },
};

/** Labels among the fields of a volume: kubectl sets their values further in. */
function innerLabels(out: Writer, title: string, labels: unknown, separator = '='): void {
  const pairs = pairsOf(labels).map(([key, value]) => `${key}${separator}${value}`);
  for (const [i, text] of (pairs.length === 0 ? ['<none>'] : pairs).entries())
    out.line(2, `${i === 0 ? `${title}:` : ''}\t    ${text}`);
}

function projection(out: Writer, part: JsonObject): void {
  const { secret, configMap, downwardAPI, serviceAccountToken } = part;
  if (isObject(secret)) {
    out.field(2, 'SecretName', stringOr(secret['name']));
    out.field(2, 'Optional', secret['optional'] === true);
  } else if (isObject(downwardAPI)) out.field(2, 'DownwardAPI', 'true');
  else if (isObject(configMap)) {
    out.field(2, 'ConfigMapName', stringOr(configMap['name']));
    out.field(2, 'Optional', configMap['optional'] === true);
  } else if (isObject(serviceAccountToken)) {
    out.field(2, 'TokenExpirationSeconds', serviceAccountToken['expirationSeconds'] ?? 3600);
  }
}

/** Whether a field of a PersistentVolume's spec says where its data is. */
export const isSource = (field: string): boolean => Object.hasOwn(sources, field);

/** Where the data of one volume is. */
export function describeSource(out: Writer, kind: string, source: unknown): void {
  sources[kind]?.(out, objectOr(source));
}

/** `space`: how far the list stands in. */
export function describeVolumes(out: Writer, volumes: readonly JsonObject[], space = ''): void {
  if (volumes.length === 0) {
    out.line(0, `${space}Volumes:\t<none>`);
    return;
  }
  out.line(0, `${space}Volumes:`);
  for (const volume of volumes) {
    out.line(1, `${space === '' ? '' : ' '}${volume['name']}:`);
    const [kind, source] = Object.entries(volume).find(([field]) => field !== 'name') ?? [];
    const describe = kind === undefined ? undefined : sources[kind];
    if (describe === undefined) type(out, String(kind ?? '<unknown>'));
    else describe(out, objectOr(source));
  }
}
