/** The status of a CustomResourceDefinition: whether its names are free, and so whether its kinds are served. */
import type { CustomResourceDefinition } from '../resources/types.ts';

type Status = NonNullable<CustomResourceDefinition['status']>;
type Condition = NonNullable<Status['conditions']>[number];
type Names = CustomResourceDefinition['spec']['names'];

/**
 * What the API server writes into `status` when a definition is created or its spec changes. `others`: all stored
 * definitions; a name is taken if another one of the same group has had it accepted. `now`: RFC 3339. Condition times
 * change only with the condition, so that writing the result again changes nothing.
 */
export function definitionStatus(
  crd: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
  now: string,
): Status {
  const conflict = conflictOf(crd, others);
  const before = crd.status?.conditions ?? [];
  const wasEstablished = before.some(
    ({ type, status }) => type === 'Established' && status === 'True',
  );
  const established = conflict === undefined || wasEstablished;
  const conditions = [
    conflict === undefined
      ? condition('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found', now)
      : condition('NamesAccepted', 'False', conflict.reason, conflict.message, now),
    established
      ? condition(
          'Established',
          'True',
          'InitialNamesAccepted',
          'the initial names have been accepted',
          now,
        )
      : condition('Established', 'False', 'NotAccepted', 'not all names are accepted', now),
  ];
  const stored = crd.spec.versions.find((version) => version.storage)?.name;
  const storedVersions = new Set([
    ...(crd.status?.storedVersions ?? []),
    ...(stored === undefined ? [] : [stored]),
  ]);
  return {
    acceptedNames:
      conflict === undefined
        ? acceptedNames(crd.spec.names)
        : (crd.status?.acceptedNames ?? { kind: '', plural: '' }),
    conditions: [
      ...before.filter(({ type }) => type !== 'NamesAccepted' && type !== 'Established'),
      ...conditions.map((next) => keepTime(next, before)),
    ],
    storedVersions: [...storedVersions],
  };
}

function acceptedNames(names: Names): Names {
  return {
    ...names,
    listKind: names.listKind ?? `${names.kind}List`,
    singular: names.singular ?? names.kind.toLowerCase(),
  };
}

function condition(
  type: string,
  status: string,
  reason: string,
  message: string,
  lastTransitionTime: string,
): Condition {
  return { type, status, reason, message, lastTransitionTime };
}

function keepTime(next: Condition, before: readonly Condition[]): Condition {
  const same = before.find(({ type, status }) => type === next.type && status === next.status);
  const time = same?.lastTransitionTime;
  return time === undefined ? next : { ...next, lastTransitionTime: time };
}

/** The first name that is taken. Source: apiextensions-apiserver pkg/controller/status, calculateNamesAndConditions. */
function conflictOf(
  crd: CustomResourceDefinition,
  others: readonly CustomResourceDefinition[],
): { reason: string; message: string } | undefined {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const other of others) {
    if (other.metadata.name === crd.metadata.name || other.spec.group !== crd.spec.group) continue;
    const names = other.status?.acceptedNames;
    if (names === undefined) continue;
    for (const name of [names.plural, names.singular, ...(names.shortNames ?? [])]) {
      if (name !== undefined && name !== '') resources.add(name);
    }
    for (const name of [names.kind, names.listKind]) {
      if (name !== undefined && name !== '') kinds.add(name);
    }
  }
  const { plural, singular, shortNames = [], kind, listKind } = acceptedNames(crd.spec.names);
  const wanted: [string, string | undefined, ReadonlySet<string>][] = [
    ['PluralConflict', plural, resources],
    ['SingularConflict', singular, resources],
    ...shortNames.map((name): [string, string, ReadonlySet<string>] => [
      'ShortNamesConflict',
      name,
      resources,
    ]),
    ['KindConflict', kind, kinds],
    ['ListKindConflict', listKind, kinds],
  ];
  for (const [reason, name, taken] of wanted) {
    if (name !== undefined && taken.has(name)) {
      return { reason, message: `${JSON.stringify(name)} is already in use` };
    }
  }
  return undefined;
}
