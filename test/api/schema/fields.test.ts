import t from 'tap';
import { applySchemaDefaults, checkFields, checkTypes, prune } from '#api/schema/fields.ts';
import type { Schema } from '#api/schema/schema.ts';
import { type JsonSchema, structuralSchema } from '#api/schema/structural.ts';
import { kindsWithCronTab } from './fixtures.ts';

const kinds = kindsWithCronTab();
const cronTab = kinds.ofObject('stable.example.com/v1', 'CronTab')?.schema as Schema;
const pod = kinds.ofObject('v1', 'Pod')?.schema as Schema;

const schemaOf = (x: JsonSchema): Schema => structuralSchema({ type: 'object', properties: { x } });
/** The causes for a value of the field `x`, as kubectl prints them. */
function said(json: JsonSchema, x: unknown): string[] {
  const causes = checkTypes(schemaOf(json), { x });
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

t.test('unknown fields are found with their paths, and nothing is changed', async (t) => {
  const value = { spec: { a: 1, steps: [{ name: 'x', b: 2 }], free: { c: 3 } } };
  const before = structuredClone(value);
  t.strictSame(
    checkFields(cronTab, value).map(({ path }) => path),
    ['spec.a', 'spec.steps[0].b'],
  );
  t.equal(checkFields(cronTab, value)[0]?.message, 'unknown field "spec.a"');
  t.strictSame(value, before);
});

t.test('pruning keeps what the schema knows, and all where it says so', async (t) => {
  const value = { spec: { a: 1, steps: [{ name: 'x', b: 2 }], free: { c: { d: 3 } } } };
  t.strictSame(prune(cronTab, value), {
    spec: { steps: [{ name: 'x' }], free: { c: { d: 3 } } },
  } as never);
});

t.test('defaults are filled in at every depth, and never over a value', async (t) => {
  const value = { spec: { replicas: null, steps: [{ name: 'a' }, { name: 'b', retries: 0 }] } };
  t.strictSame(applySchemaDefaults(cronTab, value) as unknown, {
    spec: {
      replicas: 1,
      steps: [
        { name: 'a', retries: 2 },
        { name: 'b', retries: 0 },
      ],
    },
  });
  const nested = structuralSchema({
    type: 'object',
    properties: {
      outer: {
        type: 'object',
        default: {},
        properties: { inner: { type: 'string', default: 'x' } },
      },
    },
  });
  t.strictSame(applySchemaDefaults(nested, {}), { outer: { inner: 'x' } });
  const port = { spec: { containers: [{ ports: [{ containerPort: 1 }] }] } };
  t.match(applySchemaDefaults(pod, port), {
    spec: { containers: [{ ports: [{ protocol: 'TCP' }] }] },
  });
});

t.test('two objects never share one default', async (t) => {
  const schema = schemaOf({ type: 'object', default: { list: [] }, properties: {} });
  const [a, b] = [applySchemaDefaults(schema, {}), applySchemaDefaults(schema, {})] as {
    x?: object;
  }[];
  t.not(a?.x, b?.x);
});

t.test('wrong types are told in the words of Kubernetes', async (t) => {
  const cases: [JsonSchema, unknown, string[]][] = [
    [
      { type: 'integer' },
      'string',
      ['x: Invalid value: "string": x in body must be of type integer: "string"'],
    ],
    [
      { type: 'integer' },
      1.5,
      ['x: Invalid value: "number": x in body must be of type integer: "number"'],
    ],
    [
      { type: 'string' },
      null,
      ['x: Invalid value: "null": x in body must be of type string: "null"'],
    ],
    [{ type: 'string', nullable: true }, null, []],
    [{ type: 'number' }, 1, []],
    [{ 'x-kubernetes-int-or-string': true }, 'a', []],
    [
      { 'x-kubernetes-int-or-string': true },
      true,
      ['x: Invalid value: "boolean": x in body must be of type integer,string: "boolean"'],
    ],
    [
      { type: 'object', additionalProperties: { type: 'string' } },
      { k: 1 },
      ['x.k: Invalid value: "integer": x.k in body must be of type string: "integer"'],
    ],
    [
      { type: 'array', items: { type: 'object', required: ['n'], properties: {} } },
      [{}],
      ['x[0].n: Required value'],
    ],
  ];
  for (const [schema, value, expected] of cases) t.strictSame(said(schema, value), expected);
});

t.test(
  'bounds, patterns, formats and enumerations are told in the words of Kubernetes',
  async (t) => {
    const cases: [JsonSchema, unknown, string[]][] = [
      [
        { type: 'string', enum: ['A', 'B'] },
        'c',
        ['x: Unsupported value: "c": supported values: "A", "B"'],
      ],
      [
        { type: 'string', pattern: '^a+$' },
        'b',
        ['x: Invalid value: "b": x in body should match \'^a+$\''],
      ],
      [{ type: 'string', pattern: '(?i)^A$' }, 'a', []],
      [
        { type: 'string', minLength: 2 },
        'a',
        ['x: Invalid value: "a": x in body should be at least 2 chars long'],
      ],
      [{ type: 'string', maxLength: 2 }, 'abc', ['x: Too long: may not be more than 2 bytes']],
      [
        { type: 'integer', minimum: 1 },
        0,
        ['x: Invalid value: 0: x in body should be greater than or equal to 1'],
      ],
      [
        { type: 'integer', maximum: 1, exclusiveMaximum: true },
        1,
        ['x: Invalid value: 1: x in body should be less than 1'],
      ],
      [
        { type: 'integer', multipleOf: 2 },
        3,
        ['x: Invalid value: 3: x in body should be a multiple of 2'],
      ],
      [
        { type: 'array', items: { type: 'string' }, maxItems: 1 },
        ['a', 'b'],
        ['x: Too many: 2: must have at most 1 items'],
      ],
      [
        { type: 'array', items: { type: 'string' }, minItems: 1 },
        [],
        ['x: Invalid value: 0: x in body should have at least 1 items'],
      ],
      [
        { type: 'string', format: 'date-time' },
        'soon',
        ['x: Invalid value: "soon": x in body must be of type date-time: "soon"'],
      ],
      [{ type: 'string', format: 'ipv4' }, '10.0.0.1', []],
      [{ type: 'string', format: 'of-our-own' }, 'anything', []],
    ];
    for (const [schema, value, expected] of cases) t.strictSame(said(schema, value), expected);
  },
);

t.test('combinations of schemas are judged whole', async (t) => {
  const either: JsonSchema = {
    type: 'object',
    properties: { a: { type: 'string' }, b: { type: 'string' } },
    oneOf: [{ required: ['a'] }, { required: ['b'] }],
  };
  t.strictSame(said(either, { a: '1' }), []);
  t.match(
    said(either, {})[0],
    /must validate one and only one schema \(oneOf\). Found none valid$/,
  );
  t.match(said(either, { a: '1', b: '2' })[0], /Found 2 valid alternatives$/);
  t.match(
    said({ type: 'integer', not: { enum: [5] } }, 5)[0],
    /must not validate the schema \(not\)/,
  );
  t.strictSame(said({ type: 'integer', anyOf: [{ minimum: 5 }, { maximum: 1 }] }, 0), []);
  t.match(said({ type: 'integer', anyOf: [{ minimum: 5 }, { maximum: 1 }] }, 3)[0], /\(anyOf\)/);
});

t.test('lists that are sets or maps hold nothing twice', async (t) => {
  const set: JsonSchema = {
    type: 'array',
    items: { type: 'string' },
    'x-kubernetes-list-type': 'set',
  };
  t.strictSame(said(set, ['a', 'b', 'a']), ['x[2]: Duplicate value: "a"']);
  const steps = [{ name: 'a' }, { name: 'a' }];
  t.match(checkTypes(cronTab, { spec: { cronSpec: '* * * * *', steps } }), [
    { field: 'spec.steps[1]', message: 'Duplicate value: {"name":"a"}' },
  ]);
});

t.test(
  'built-in objects need their required fields, but status may be written piecemeal',
  async (t) => {
    const object = {
      metadata: { name: 'a' },
      spec: { restartPolicy: 'Sometimes', containers: [{ image: 'x', imagePullPolicy: '' }] },
      status: { containerStatuses: [{ name: 'a' }] },
    };
    t.strictSame(
      checkTypes(pod, object).map(({ field, reason }) => `${field} ${reason}`),
      ['spec.restartPolicy FieldValueNotSupported', 'spec.containers[0].name FieldValueRequired'],
    );
    t.strictSame(
      checkTypes(cronTab, {}).map(({ field }) => field),
      [],
    );
    t.strictSame(
      checkTypes(cronTab, { spec: {} }).map(({ field, message }) => `${field}: ${message}`),
      ['spec.cronSpec: Required value'],
    );
  },
);
