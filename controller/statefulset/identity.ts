/** A StatefulSet's pods by number: their names, labels, host names and claims. After statefulset/stateful_set_utils.go. */
import type {
  ControllerRevision,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
  Volume,
} from '#api/resources/types.ts';
import { revisionLabel, templateOf } from '#controller/workload/history.ts';
import { podOf } from '#controller/workload/pod-template.ts';

const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

export const startOf = (set: StatefulSet): number => set.spec?.ordinals?.start ?? 0;
export const replicasOf = (set: StatefulSet): number => set.spec?.replicas ?? 1;

/** Whether pods come and go one after the other, each waiting for the one before. */
export const isOrdered = (set: StatefulSet): boolean =>
  set.spec?.podManagementPolicy !== 'Parallel';

/** The pod's number in its set; undefined: its name is none of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const { name } = pod.metadata;
  if (!name.startsWith(prefix)) return undefined;
  const digits = name.slice(prefix.length);
  return /^(0|[1-9]\d*)$/.test(digits) ? Number(digits) : undefined;
}

export const isWithin = (set: StatefulSet, ordinal: number): boolean =>
  ordinal >= startOf(set) && ordinal < startOf(set) + replicasOf(set);

export const revisionOf = (pod: Pod): string => pod.metadata.labels?.[revisionLabel] ?? '';

type Template = NonNullable<NonNullable<StatefulSet['spec']>['volumeClaimTemplates']>[number];

const templatesOf = (set: StatefulSet): readonly Template[] => set.spec?.volumeClaimTemplates ?? [];

const claimName = (set: StatefulSet, template: Template, ordinal: number): string =>
  `${template.metadata?.name}-${set.metadata.name}-${ordinal}`;

/** The claims of the pod with this number, as they are made. */
export function claimsFor(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  const { namespace } = set.metadata;
  return templatesOf(set).map((template) => {
    const { annotations, labels } = template.metadata ?? {};
    const selected = set.spec?.selector.matchLabels;
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: claimName(set, template, ordinal),
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...labels, ...selected },
        ...(annotations === undefined ? {} : { annotations }),
      },
      ...(template.spec === undefined ? {} : { spec: template.spec }),
    };
  });
}

/** Whether the claim's name is one that the set gives. */
export function mayClaim(set: StatefulSet, claim: PersistentVolumeClaim): boolean {
  const { name } = claim.metadata;
  const ordinal = Number(/-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
  return templatesOf(set).some((template) => claimName(set, template, ordinal) === name);
}

/** The labels that tell the pod's place. */
export const identityLabels = (pod: string, ordinal: number): Record<string, string> => ({
  [podNameLabel]: pod,
  [podIndexLabel]: String(ordinal),
});

/** Whether somebody has taken a label away by which the pod is found. */
export function hasIdentity(pod: Pod, ordinal: number): boolean {
  const wanted = identityLabels(pod.metadata.name, ordinal);
  return Object.entries(wanted).every(([key, value]) => pod.metadata.labels?.[key] === value);
}

/** The pod with this number, of this revision. */
export function newPod(set: StatefulSet, ordinal: number, revision: ControllerRevision): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const pod = podOf(set, templateOf(revision), name);
  const labels = {
    ...pod.metadata.labels,
    ...identityLabels(name, ordinal),
    [revisionLabel]: revision.metadata.name,
  };
  const subdomain = set.spec?.serviceName ?? '';
  return {
    ...pod,
    metadata: { ...pod.metadata, labels },
    spec: {
      ...pod.spec,
      containers: pod.spec?.containers ?? [],
      hostname: name,
      ...(subdomain === '' ? {} : { subdomain }),
      ...volumes(set, ordinal, pod.spec?.volumes ?? []),
    },
  };
}

/** A claim's volume takes the place of a volume of the template with its name. */
function volumes(set: StatefulSet, ordinal: number, given: readonly Volume[]) {
  const claims = templatesOf(set).map((template) => ({
    name: template.metadata?.name ?? '',
    persistentVolumeClaim: { claimName: claimName(set, template, ordinal), readOnly: false },
  }));
  const others = given.filter(({ name }) => !claims.some((claim) => claim.name === name));
  const all = [...claims, ...others];
  return all.length === 0 ? {} : { volumes: all };
}
