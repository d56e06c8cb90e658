/** Kubernetes' own kinds, from `facts/kinds.json` and what no published document says of the store. */
import { apiVersionOf } from '../resources/meta.ts';
import { readFacts, typeSchema } from './facts.ts';
import type { Column, Kind, Subresource } from './kind.ts';
import { selectableFields } from './selectable-fields.ts';

interface ResourceFacts {
  readonly plural: string;
  readonly kind: string;
  readonly type: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: string;
  /** [name, group, version, kind, verbs]; '' for the group and version of the parent. */
  readonly subresources: readonly (readonly [string, string, string, string, string])[];
}

interface KindFacts {
  readonly release: string;
  readonly groups: readonly {
    readonly name: string;
    readonly versions: readonly { version: string; resources: readonly ResourceFacts[] }[];
  }[];
  readonly columns: Readonly<
    Record<string, readonly (readonly [string, string, string, number])[]>
  >;
}

/** pkg/kubeapiserver/default_storage_factory_builder.go, SpecialDefaultResourcePrefixes. */
const specialPrefixes = new Map([
  ['/replicationcontrollers', 'controllers'],
  ['/endpoints', 'services/endpoints'],
  ['/services', 'services/specs'],
  ['/nodes', 'minions'],
  ['networking.k8s.io/ingresses', 'ingress'],
]);
/** Groups of servers of their own inside kube-apiserver, which put the group into the key. */
const groupInKey = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);
/** Kinds served in several versions or groups whose objects are stored in one form. */
const storedAs = new Map([
  ['events.k8s.io/events', 'v1'],
  ['autoscaling/horizontalpodautoscalers', 'autoscaling/v2'],
]);
/** Printer columns of kinds whose lists stand unnamed in pkg/printers/internalversion. */
const moreColumns: KindFacts['columns'] = {
  ValidatingAdmissionPolicy: policyColumns('Validations'),
  MutatingAdmissionPolicy: policyColumns('Mutations'),
  ValidatingAdmissionPolicyBinding: bindingColumns(),
  MutatingAdmissionPolicyBinding: bindingColumns(),
  APIService: [
    ['Name', 'string', 'name', 0],
    ['Service', 'string', '', 0],
    ['Available', 'string', '', 0],
    ['Age', 'string', '', 0],
  ],
  ControllerRevision: [
    ['Name', 'string', 'name', 0],
    ['Controller', 'string', '', 0],
    ['Revision', 'string', '', 0],
    ['Age', 'string', '', 0],
  ],
  NetworkPolicy: [
    ['Name', 'string', 'name', 0],
    ['Pod-Selector', 'string', '', 0],
    ['Age', 'string', '', 0],
  ],
};
/** What nodes and pods use: the group of metrics-server, whose tables are no part of a release's documents. */
const usageGroup: KindFacts['groups'][number] = {
  name: 'metrics.k8s.io',
  versions: [
    {
      version: 'v1beta1',
      resources: [usageResource('nodes', 'NodeMetrics'), usageResource('pods', 'PodMetrics')],
    },
  ],
};

function usageResource(plural: string, kind: string): ResourceFacts {
  return {
    plural,
    kind,
    type: `metrics.v1beta1.${kind}`,
    singular: '',
    namespaced: plural === 'pods',
    shortNames: [],
    categories: [],
    verbs: 'get list',
    subresources: [],
  };
}

/** The default table: kubectl shows `NAME` and `CREATED AT`. */
const defaultColumns: readonly Column[] = [
  { name: 'Name', type: 'string', format: 'name', priority: 0 },
  { name: 'Created At', type: 'date', format: '', priority: 0 },
];

function policyColumns(what: string): KindFacts['columns'][string] {
  return [
    ['Name', 'string', 'name', 0],
    [what, 'integer', '', 0],
    ['ParamKind', 'string', '', 0],
    ['Age', 'string', '', 0],
  ];
}

function bindingColumns(): KindFacts['columns'][string] {
  return [
    ['Name', 'string', 'name', 0],
    ['PolicyName', 'string', '', 0],
    ['ParamRef', 'string', '', 0],
    ['Age', 'string', '', 0],
  ];
}

/** All built-in kinds in discovery's order. Parses one table; a kind's type is read at the first look at its schema. */
export function builtInKinds(): readonly Kind[] {
  const facts = readFacts('kinds') as KindFacts;
  const columns = { ...moreColumns, ...facts.columns };
  return [...facts.groups, usageGroup].flatMap((group) =>
    group.versions.flatMap(({ version, resources }) =>
      resources.map((resource) => kindOf(group.name, version, resource, columns)),
    ),
  );
}

function kindOf(
  group: string,
  version: string,
  facts: ResourceFacts,
  columns: KindFacts['columns'],
): Kind {
  const { plural, kind, type, singular, namespaced, shortNames, categories } = facts;
  const verbs = facts.verbs.split(' ');
  return {
    group,
    version,
    plural,
    kind,
    namespaced,
    listKind: `${kind}List`,
    singular,
    shortNames,
    categories,
    verbs,
    subresources: facts.subresources.map((row) => subresourceOf(group, version, row)),
    get schema() {
      return typeSchema(type);
    },
    storagePrefix: `/registry/${storedUnder(group, plural)}`,
    storageApiVersion: storedAs.get(`${group}/${plural}`) ?? apiVersionOf({ group, version }),
    columns: columns[kind]?.map(columnOf) ?? defaultColumns,
    selectableFields: selectableFields(group, kind),
    virtual: !verbs.includes('get') || group === usageGroup.name,
  };
}

function storedUnder(group: string, plural: string): string {
  if (groupInKey.has(group)) return `${group}/${plural}`;
  return specialPrefixes.get(`${group}/${plural}`) ?? plural;
}

function columnOf([name, type, format, priority]: readonly [
  string,
  string,
  string,
  number,
]): Column {
  return { name, type, format, priority };
}

function subresourceOf(
  parentGroup: string,
  parentVersion: string,
  [name, group, version, kind, verbs]: ResourceFacts['subresources'][number],
): Subresource {
  return {
    name,
    group: version === '' ? parentGroup : group,
    version: version === '' ? parentVersion : version,
    kind,
    verbs: verbs.split(' '),
  };
}

/**
 * Kinds that only subresources carry (Scale, Eviction, TokenRequest) and DeleteOptions, by `apiVersion/kind`: enough
 * of a Kind to decode their bodies. They are not resources: their plural is '' and discovery does not list them.
 */
export function subresourceBodies(kinds: readonly Kind[]): ReadonlyMap<string, Kind> {
  const served = new Set(kinds.map((kind) => `${apiVersionOf(kind)}/${kind.kind}`));
  const bodies = new Map<string, Kind>();
  const add = (group: string, version: string, kind: string, type: string): void => {
    const key = `${apiVersionOf({ group, version })}/${kind}`;
    if (!served.has(key)) bodies.set(key, bodyKind(group, version, kind, type));
  };
  add('', 'v1', 'DeleteOptions', 'meta.v1.DeleteOptions');
  add('autoscaling', 'v1', 'Scale', 'autoscaling.v1.Scale');
  add('policy', 'v1', 'Eviction', 'policy.v1.Eviction');
  add('authentication.k8s.io', 'v1', 'TokenRequest', 'authentication.v1.TokenRequest');
  return bodies;
}

function bodyKind(group: string, version: string, kind: string, type: string): Kind {
  const facts: ResourceFacts = {
    plural: '',
    kind,
    type,
    singular: kind.toLowerCase(),
    namespaced: true,
    shortNames: [],
    categories: [],
    verbs: 'create',
    subresources: [],
  };
  return kindOf(group, version, facts, {});
}
