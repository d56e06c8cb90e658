import { gunzipSync } from 'node:zlib';
import t from 'tap';
import type { CustomResourceDefinition } from '#api/resources/types.ts';
import { createKinds } from '#api/schema/kinds.ts';
import { openapiV2, openapiV2Hash } from '#api/schema/openapi-v2.ts';
import { customDefinition } from '#api/schema/openapi-v2-schemas.ts';
import { readMessage } from '#api/schema/protobuf.ts';
import type { Schema } from '#api/schema/schema.ts';
import { cronTab, kindsWithCronTab } from './fixtures.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document of any shape.
async function read(kinds = kindsWithCronTab()): Promise<any> {
  return JSON.parse(gunzipSync((await openapiV2(kinds, 'json')).packed).toString());
}

t.test('every kind is defined, every reference leads somewhere', async (t) => {
  const document = await read();
  for (const kind of kindsWithCronTab().all()) {
    const [name] = Object.entries(document.definitions).find(([, definition]) =>
      (definition as Record<string, Record<string, string>[]>)[
        'x-kubernetes-group-version-kind'
      ]?.some(
        (gvk) =>
          gvk['kind'] === kind.kind &&
          gvk['group'] === kind.group &&
          gvk['version'] === kind.version,
      ),
    ) ?? [''];
    t.not(name, '', `${kind.group}/${kind.version} ${kind.kind}`);
  }
  const missing = [...JSON.stringify(document).matchAll(/"#\/definitions\/([^"]+)"/g)]
    .map(([, name = '']) => name)
    .filter((name) => document.definitions[name] === undefined);
  t.strictSame(missing, []);
  t.notMatch(JSON.stringify(document), /#\/components/);
});

t.test('what v2 readers look for is where they look', async (t) => {
  const { swagger, paths, definitions } = await read();
  t.equal(swagger, '2.0');
  const { patch } = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
  t.strictSame(patch['x-kubernetes-group-version-kind'], {
    group: 'apps',
    version: 'v1',
    kind: 'Deployment',
  });
  const names = patch.parameters.map((parameter: { name: string }) => parameter.name);
  for (const name of ['body', 'dryRun', 'fieldValidation', 'force']) t.ok(names.includes(name));
  t.match(definitions['io.k8s.api.core.v1.PodSpec'].properties.containers, {
    type: 'array',
    items: { $ref: '#/definitions/io.k8s.api.core.v1.Container' },
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
  });
  t.match(definitions['com.example.stable.v1.CronTab'].properties.spec.properties, {
    cronSpec: { type: 'string', description: 'When.' },
    port: { 'x-kubernetes-int-or-string': true, type: undefined },
    note: { type: undefined, nullable: undefined },
    free: { 'x-kubernetes-preserve-unknown-fields': true, type: undefined },
  });
});

const object = { type: 'object' };
const preserve = { 'x-kubernetes-preserve-unknown-fields': true };
/** A definition's schema, and what v2 says instead below `spec`. */
const conversions: readonly (readonly [string, object, object])[] = [
  ['plain', { ...object, properties: { a: object } }, { ...object, properties: { a: object } }],
  ['nullable', { ...object, nullable: true, properties: { a: object } }, {}],
  ['open', { ...object, ...preserve, properties: { a: object } }, preserve],
  ['list without items', { type: 'array' }, {}],
  ['open list', { type: 'array', ...preserve, items: object }, preserve],
  [
    'junctors',
    { type: 'string', oneOf: [{}], anyOf: [{}], allOf: [{}], not: {} },
    { type: 'string' },
  ],
  [
    'required but nullable',
    {
      ...object,
      required: ['a', 'b'],
      properties: { a: { ...object, nullable: true }, b: object },
    },
    { ...object, required: ['b'], properties: { a: {}, b: object } },
  ],
  [
    'map of nullables',
    { ...object, additionalProperties: { type: 'string', nullable: true } },
    { ...object, additionalProperties: {} },
  ],
];

for (const [name, before, after] of conversions) {
  t.test(`conversion from v3: ${name}`, async (t) => {
    const { properties } = customDefinition({ type: 'object', properties: { spec: before } });
    t.strictSame((properties as Record<string, unknown>)['spec'], after);
  });
}

t.test('a root that keeps unknown fields says nothing of its fields', async (t) => {
  t.strictSame(
    customDefinition({ type: 'object', ...preserve, properties: { a: object } }),
    object,
  );
  t.strictSame(customDefinition(undefined), object);
});

t.test('custom kinds come and go, the rest is made once', async (t) => {
  const kinds = createKinds();
  const without = openapiV2Hash(kinds);
  t.equal((await read(kinds)).definitions['com.example.stable.v1.CronTab'], undefined);
  const definition = cronTab() as CustomResourceDefinition;
  kinds.setCustom([definition]);
  t.not(openapiV2Hash(kinds), without);
  t.ok((await read(kinds)).definitions['com.example.stable.v1.CronTab']);
  kinds.setCustom([]);
  t.equal(openapiV2Hash(kinds), without, 'the same content has the same hash');
});

const string: Schema = { type: 'string' };
const message = (...fields: [string, number, Schema][]): Schema => ({
  type: 'object',
  fields: new Map(fields.map(([name, protobuf, schema]) => [name, { schema, protobuf }])),
});
const list = (items: Schema): Schema => ({ type: 'array', items });
const any = message(['name', 1, string], ['value', 2, message(['yaml', 2, string])]);
const property = message(
  ['ref', 1, string],
  ['description', 4, string],
  ['extensions', 31, list(any)],
);
const named = (value: Schema) => message(['name', 1, string], ['value', 2, value]);
const definition = message(
  ['required', 19, list(string)],
  ['properties', 25, message(['list', 1, list(named(property))])],
  ['extensions', 31, list(any)],
);

t.test("gnostic's message says the same", async (t) => {
  const { packed } = await openapiV2(kindsWithCronTab(), 'protobuf');
  const whole = readMessage(
    message(
      ['swagger', 1, string],
      ['paths', 8, list(message(['path', 2, named(message())]))],
      ['definitions', 9, list(message(['one', 1, named(definition)]))],
    ),
    gunzipSync(packed),
    // biome-ignore lint/suspicious/noExplicitAny: a message of any shape.
  ) as any;
  const json = await read();
  t.equal(whole.swagger, '2.0');
  const chunks = whole.definitions.map(({ one }: { one: { name: string } }) => one);
  const names = chunks.map(({ name }: { name: string }) => name);
  t.strictSame(names.toSorted(), Object.keys(json.definitions).sort());
  const service = chunks.find(({ name }: { name: string }) =>
    name.endsWith('.core.v1.ServiceSpec'),
  );
  const wanted = json.definitions[service.name].properties;
  t.strictSame(
    service.value.properties.list.map(({ name }: { name: string }) => name).sort(),
    Object.keys(wanted).sort(),
  );
  const ports = service.value.properties.list.find(
    ({ name }: { name: string }) => name === 'ports',
  );
  t.equal(ports.value.description, wanted.ports.description);
  t.strictSame(
    ports.value.extensions.find(({ name }: { name: string }) => name.endsWith('merge-key')).value,
    { yaml: '"port"' },
  );
});
