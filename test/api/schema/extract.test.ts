import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const script = new URL('../../../api/schema/extract.mjs', import.meta.url).pathname;
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const reference = (name: string) => ({ $ref: `#/definitions/${name}` });

const swagger = {
  definitions: {
    'io.k8s.api.zoo.v1.Cage': {
      description: 'prose that is not kept',
      type: 'object',
      required: ['spec'],
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: reference(`${meta}.ObjectMeta`),
        spec: reference('io.k8s.api.zoo.v1.CageSpec'),
      },
      'x-kubernetes-group-version-kind': [{ group: 'zoo.k8s.io', version: 'v1', kind: 'Cage' }],
    },
    'io.k8s.api.zoo.v1.CageSpec': {
      type: 'object',
      properties: {
        lion: reference('io.k8s.api.zoo.v1.Lion'),
        names: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
        height: { type: 'integer', format: 'int64', default: 3 },
        weights: {
          type: 'object',
          additionalProperties: reference('io.k8s.apimachinery.pkg.api.resource.Quantity'),
        },
        since: reference(`${meta}.Time`),
        lock: { type: 'string', enum: ['Open', 'Shut'] },
      },
    },
    'io.k8s.api.zoo.v1.Lion': { type: 'object', 'x-kubernetes-map-type': 'atomic' },
    'io.k8s.api.zoo.v1.Unused': { type: 'object' },
    [`${meta}.ObjectMeta`]: { type: 'object', properties: { name: { type: 'string' } } },
    [`${meta}.Time`]: { type: 'string', format: 'date-time' },
    'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: 'string' },
  },
};

const proto = `
package k8s.io.api.zoo.v1;
// A comment with a field: optional string no = 9;
message Cage {
  optional .k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta metadata = 1;

  optional CageSpec spec = 2;
}
message CageSpec {
  optional CageAnimals cageAnimals = 1;
  repeated string names = 2;
  optional int64 height = 3;
  map<string, .k8s.io.apimachinery.pkg.api.resource.Quantity> weights = 4;
  optional .k8s.io.apimachinery.pkg.apis.meta.v1.Time since = 5;
  optional string Lock = 6;
}
message CageAnimals {
  optional Lion lion = 7;
}
message Lion {
}
`;

const discovery = {
  items: [
    {
      metadata: { name: 'zoo.k8s.io' },
      versions: [
        { version: 'v1beta1', resources: [{ resource: 'cubs', responseKind: { kind: 'Cub' } }] },
        {
          version: 'v1',
          resources: [
            {
              resource: 'cages',
              responseKind: { group: '', version: '', kind: 'Cage' },
              scope: 'Namespaced',
              singularResource: 'cage',
              shortNames: ['cg'],
              verbs: ['get', 'list'],
            },
          ],
        },
      ],
    },
  ],
};

const dir = t.testdir({
  'swagger.json': JSON.stringify(swagger),
  protos: { zoo: { v1: { 'generated.proto': proto } } },
  discovery: {
    'api__v1.json': JSON.stringify({ resources: [] }),
    'aggregated_v2.json': JSON.stringify(discovery),
  },
  'columns.json': JSON.stringify({ cageColumnDefinitions: [['Name', 'string', 'name', 0]] }),
});

const argumentsFor = (out: string): string[] => [
  script,
  ...['--release', '9.9', '--swagger', join(dir, 'swagger.json'), '--protos', join(dir, 'protos')],
  ...['--discovery', join(dir, 'discovery'), '--columns', join(dir, 'columns.json'), '--out', out],
];

const out = join(dir, 'facts');
execFileSync(process.execPath, argumentsFor(out), { stdio: ['ignore', 'ignore', 'pipe'] });
const read = (name: string) => JSON.parse(readFileSync(join(out, name), 'utf8'));

t.test('types keep what the wire and the merge need, in one word each', async (t) => {
  t.strictSame(read('zoo.v1.json'), {
    Cage: {
      fields: {
        apiVersion: 'string',
        kind: 'string',
        metadata: ['meta.v1.ObjectMeta', 1],
        spec: ['CageSpec', 2],
      },
      required: ['spec'],
    },
    CageSpec: {
      fields: {
        lion: ['Lion', 7, { via: 1 }],
        names: ['[]string', 2, { list: 'set' }],
        height: ['int64', 3, { default: 3 }],
        weights: ['{}quantity', 4],
        since: ['time', 5],
        lock: ['string', 6, { enum: ['Open', 'Shut'] }],
      },
    },
    Lion: { fields: {}, mapType: 'atomic' },
  });
});

t.test('only GA versions become kinds', async (t) => {
  const { release, groups, columns } = read('kinds.json');
  t.equal(release, '9.9');
  const zoo = groups.find((group: { name: string }) => group.name === 'zoo.k8s.io');
  t.strictSame(
    zoo.versions.map((entry: { version: string }) => entry.version),
    ['v1'],
  );
  t.match(zoo.versions[0].resources[0], { plural: 'cages', kind: 'Cage', type: 'zoo.v1.Cage' });
  t.strictSame(columns, { Cage: [['Name', 'string', 'name', 0]] });
});

t.test('facts already taken out of the documents give the same tables', async (t) => {
  const bare = JSON.parse(JSON.stringify(swagger.definitions).replaceAll('#/definitions/', ''));
  const facts = t.testdir({
    'types.json': JSON.stringify(bare),
    'protobuf.json': JSON.stringify({
      'k8s.io.api.zoo.v1.Cage': {
        metadata: [1, `k8s.io.${meta.slice('io.k8s.'.length)}.ObjectMeta`, 0],
        spec: [2, 'k8s.io.api.zoo.v1.CageSpec', 0],
      },
      'k8s.io.api.zoo.v1.CageSpec': {
        cageAnimals: [1, 'k8s.io.api.zoo.v1.CageAnimals', 0],
        names: [2, 'string', 1],
        height: [3, 'int64', 0],
        weights: [4, { map: ['string', '.k8s.io.apimachinery.pkg.api.resource.Quantity'] }, 0],
        since: [5, '.k8s.io.apimachinery.pkg.apis.meta.v1.Time', 0],
        Lock: [6, 'string', 0],
      },
      'k8s.io.api.zoo.v1.CageAnimals': { lion: [7, 'k8s.io.api.zoo.v1.Lion', 0] },
    }),
    'discovery-core-v1.json': JSON.stringify({ resources: [] }),
    'discovery-aggregated-v2.json': JSON.stringify(discovery),
    'columns.json': JSON.stringify({}),
  });
  const again = join(facts, 'out');
  execFileSync(process.execPath, [script, '--facts', facts, '--out', again], { stdio: 'pipe' });
  t.strictSame(JSON.parse(readFileSync(join(again, 'zoo.v1.json'), 'utf8')), read('zoo.v1.json'));
});
