import t from 'tap';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { checkDefinition, customKinds, definitionStatus } from '#api/schema/custom.ts';
import type { JsonSchema } from '#api/schema/structural.ts';
import { cronTab } from './fixtures.ts';

type Change = (crd: CustomResourceDefinition) => void;

function causesOf(change: Change): string[] {
  const crd = cronTab();
  change(crd);
  return checkDefinition(crd).map(({ field, message }) => `${field}: ${message}`);
}
const firstVersion = (crd: CustomResourceDefinition) =>
  crd.spec.versions[0] as never as {
    name: string;
    schema?: { openAPIV3Schema?: JsonSchema };
    [field: string]: unknown;
  };
const withSchema =
  (spec: unknown): Change =>
  (crd) => {
    firstVersion(crd).schema = {
      openAPIV3Schema: { type: 'object', properties: { spec: spec as JsonSchema } },
    };
  };
const root = 'spec.versions[0].schema.openAPIV3Schema';

t.test('a definition becomes one kind for each served version', async (t) => {
  const crd = cronTab();
  crd.spec.versions.push({
    ...structuredClone(crd.spec.versions[0] as never as object),
    name: 'v2',
    storage: false,
    additionalPrinterColumns: [],
  } as never);
  crd.spec.versions.push({ name: 'v0', served: false, storage: false });
  const [v1, v2, ...others] = customKinds(crd);
  t.equal(others.length, 0);
  t.match(v1, {
    group: 'stable.example.com',
    version: 'v1',
    singular: 'crontab',
    shortNames: ['ct'],
    storagePrefix: '/registry/stable.example.com/crontabs',
    storageApiVersion: 'stable.example.com/v1',
    selectableFields: ['spec.mode'],
    custom: { uid: 'u-1', scale: { specReplicasPath: '.spec.replicas' } },
    virtual: false,
  });
  t.strictSame(
    v1?.subresources.map(({ name, kind }) => [name, kind]),
    [
      ['status', 'CronTab'],
      ['scale', 'Scale'],
    ],
  );
  t.strictSame(
    v1?.columns.map(({ name }) => name),
    ['Name', 'Spec'],
  );
  t.equal(v2?.storageApiVersion, 'stable.example.com/v1');
  t.strictSame(
    v2?.columns.map(({ name, jsonPath }) => [name, jsonPath]),
    [
      ['Name', undefined],
      ['Age', '.metadata.creationTimestamp'],
    ],
  );
});

t.test('a good definition passes', async (t) => {
  t.strictSame(
    causesOf(() => {}),
    [],
  );
});

t.test('names, groups and versions are checked', async (t) => {
  const cases: [Change, RegExp][] = [
    [
      (crd) => (crd.metadata.name = 'other'),
      /^metadata.name: Invalid value: "other": must be spec.names.plural\+"."\+spec.group$/,
    ],
    [
      (crd) => (crd.spec.group = 'nodots'),
      /^spec.group: .*should be a domain with at least one dot$/,
    ],
    [
      (crd) => (crd.spec.scope = 'Galaxy'),
      /^spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"$/,
    ],
    [(crd) => (crd.spec.names.kind = ''), /^spec.names.kind: Required value$/],
    [
      (crd) => (crd.spec.names.shortNames = ['Not Good']),
      /^spec.names.shortNames\[0\]: Invalid value/,
    ],
    [
      (crd) => (firstVersion(crd)['storage'] = false),
      /^spec.versions: .*must have exactly one version marked as storage version$/,
    ],
    [
      (crd) => (firstVersion(crd).schema = {}),
      /^spec.versions\[0\].schema.openAPIV3Schema: Required value: schemas are required$/,
    ],
    [
      (crd) => {
        crd.spec.group = 'x.k8s.io';
        crd.metadata.name = 'crontabs.x.k8s.io';
      },
      /^metadata.annotations\[api-approved.kubernetes.io\]: Required value: protected groups must/,
    ],
    [
      (crd) =>
        (firstVersion(crd)['subresources'] = {
          scale: { specReplicasPath: '.x', statusReplicasPath: '.status.r' },
        }),
      /^spec.versions\[0\].subresources.scale.specReplicasPath: .*should be a json path under .spec$/,
    ],
  ];
  for (const [change, expected] of cases) {
    const causes = causesOf(change);
    t.ok(
      causes.some((cause) => expected.test(cause)),
      `${expected} among ${causes}`,
    );
  }
});

t.test('schemas must be structural', async (t) => {
  const cases: [unknown, RegExp][] = [
    [{}, /properties\[spec\].type: Required value: must not be empty for specified object fields$/],
    [{ type: 'array' }, /properties\[spec\].items: Required value: must be specified$/],
    [
      { type: 'array', items: {} },
      /items.type: Required value: must not be empty for specified array items$/,
    ],
    [
      { type: 'text' },
      /properties\[spec\].type: Unsupported value: "text": supported values: "array"/,
    ],
    [
      { type: 'object', properties: {}, additionalProperties: { type: 'string' } },
      /additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive$/,
    ],
    [{ type: 'string', $ref: '#/x' }, /\$ref: Forbidden: \$ref is not supported$/],
    [{ type: 'array', uniqueItems: true, items: { type: 'string' } }, /uniqueItems: Forbidden/],
    [
      { type: 'string', pattern: '(' },
      /pattern: Invalid value: "\(": must be a valid regular expression/,
    ],
    [{ type: 'integer', default: 'x' }, /default: Invalid value: "string":/],
    [{ type: 'object', default: { a: 1 } }, /default: Invalid value: \{"a":1\}: must be pruned/],
    [
      { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } },
      /x-kubernetes-list-map-keys: Required value/,
    ],
    [
      { type: 'string', 'x-kubernetes-int-or-string': true },
      /must be empty if x-kubernetes-int-or-string is true$/,
    ],
    [
      { type: 'object', 'x-kubernetes-embedded-resource': true },
      /properties: Required value: must not be empty/,
    ],
    [
      { type: 'object', anyOf: [{ properties: { a: { type: 'string' } } }] },
      /properties\[spec\].properties\[a\]: Required value: because it is defined in/,
    ],
    [
      { type: 'string', allOf: [{ type: 'string' }] },
      /allOf\[0\].type: Forbidden: must be empty to be structural$/,
    ],
  ];
  for (const [spec, expected] of cases) {
    const causes = causesOf(withSchema(spec));
    t.ok(
      causes.some((cause) => cause.startsWith(root) && expected.test(cause)),
      `${expected} among ${causes}`,
    );
  }
  t.strictSame(
    causesOf((crd) => (firstVersion(crd).schema = { openAPIV3Schema: { type: 'string' } })),
    [`${root}.type: Invalid value: "string": must be object at the root`],
  );
  const free = {
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
  };
  t.strictSame(causesOf(withSchema(free)), []);
});

t.test('names that are free are accepted, and the kinds established', async (t) => {
  const crd = cronTab();
  delete crd.status;
  const status = definitionStatus(crd, [crd], '2026-01-01T00:00:00Z');
  t.match(status, {
    acceptedNames: {
      plural: 'crontabs',
      singular: 'crontab',
      kind: 'CronTab',
      listKind: 'CronTabList',
    },
    storedVersions: ['v1'],
    conditions: [
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts' },
      { type: 'Established', status: 'True', reason: 'InitialNamesAccepted' },
    ],
  });
  crd.status = status;
  t.strictSame(
    definitionStatus(crd, [crd], '2026-02-02T00:00:00Z'),
    status,
    'nothing changes later',
  );
});

t.test('a name that another definition of the group has is refused', async (t) => {
  const first = cronTab();
  const second = cronTab();
  second.metadata.name = 'tabs.stable.example.com';
  second.spec.names = { plural: 'tabs', kind: 'CronTab' };
  delete second.status;
  t.match(definitionStatus(second, [first, second], '2026-01-01T00:00:00Z'), {
    conditions: [
      { status: 'False', reason: 'KindConflict', message: '"CronTab" is already in use' },
      { type: 'Established', status: 'False', reason: 'NotAccepted' },
    ],
  });
});
