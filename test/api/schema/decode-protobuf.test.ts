import * as Either from 'fp-ts/lib/Either.js';
import t from 'tap';
import { decodeBody, decodeOptions } from '#api/schema/decode.ts';
import { kindsWithCronTab } from './fixtures.ts';
import { chunk, double, entry, envelope, number } from './wire.ts';

const kinds = kindsWithCronTab();
const type = 'application/vnd.kubernetes.protobuf';

function decode(body: Buffer, kind = kinds.ofObject('v1', 'Pod')) {
  const result = decodeBody(kind, body, type, 'Strict', kinds);
  return Either.isLeft(result) ? [result.left.code, result.left.message] : result.right.object;
}

const meta = chunk(1, chunk(1, 'a'), chunk(2, ''), chunk(8), entry(11, 'k', chunk(2, 'v')));

t.test('a Pod comes out as its JSON would', async (t) => {
  const quantity = (text: string) => chunk(2, chunk(1, text));
  const container = chunk(
    2,
    chunk(1, 'c'),
    chunk(2, 'image:1'),
    chunk(3, 'sh'),
    chunk(3, '-c'),
    chunk(6, chunk(1, 'http'), number(2, 0), number(3, 80), chunk(4, 'TCP')),
    chunk(8, entry(1, 'cpu', quantity('0.5')), entry(2, 'memory', quantity('64Mi'))),
    chunk(
      10,
      chunk(1, chunk(2, chunk(1, '/ok'), chunk(2, number(1, 1), chunk(3, 'http')))),
      number(4, 7),
    ),
    number(16, 0),
  );
  const volume = chunk(1, chunk(1, 'v'), chunk(2, chunk(2, chunk(1, ''))));
  const spec = chunk(
    2,
    volume,
    container,
    number(4, 0),
    number(5, -1),
    number(11, 0),
    number(21, 1),
  );
  const status = chunk(3, chunk(7, number(1, 1_700_000_000), number(2, 5)));
  t.strictSame(decode(envelope('v1', 'Pod', meta, spec, status)), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', labels: { k: 'v' } },
    spec: {
      volumes: [{ name: 'v', emptyDir: {} }],
      containers: [
        {
          name: 'c',
          image: 'image:1',
          command: ['sh', '-c'],
          ports: [{ name: 'http', containerPort: 80, protocol: 'TCP' }],
          resources: { limits: { cpu: '500m' }, requests: { memory: '64Mi' } },
          livenessProbe: { httpGet: { path: '/ok', port: 'http' }, periodSeconds: 7 },
        },
      ],
      terminationGracePeriodSeconds: 0,
      activeDeadlineSeconds: -1,
      automountServiceAccountToken: true,
    },
    status: { startTime: '2023-11-14T22:13:20Z' },
  });
});

t.test('bytes are base64, maps may have empty values', async (t) => {
  const body = envelope(
    'v1',
    'Secret',
    meta,
    entry(2, 'key', chunk(2, Buffer.from([0, 255]))),
    chunk(2, chunk(1, 'empty')),
    chunk(3, 'Opaque'),
  );
  t.match(decode(body, kinds.ofObject('v1', 'Secret')), {
    data: { key: 'AP8=' },
    type: 'Opaque',
  });
});

t.test('a zero is kept where it means zero', async (t) => {
  const deployment = kinds.ofObject('apps/v1', 'Deployment');
  const spec = chunk(2, number(1, 0), chunk(2), chunk(3), number(5, 0), number(7, 0));
  t.strictSame(decode(envelope('apps/v1', 'Deployment', meta, spec), deployment), {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a', labels: { k: 'v' } },
    spec: { replicas: 0, selector: {}, template: {} },
  });
});

t.test('times with microseconds, raw JSON and lists in maps are read', async (t) => {
  const lease = kinds.ofObject('coordination.k8s.io/v1', 'Lease');
  const renewed = chunk(
    2,
    chunk(1, 'me'),
    number(2, 15),
    chunk(4, number(1, 1), number(2, 12_345_000)),
  );
  t.match(decode(envelope('coordination.k8s.io/v1', 'Lease', renewed), lease), {
    spec: { holderIdentity: 'me', renewTime: '1970-01-01T00:00:01.012345Z' },
  });
  const revision = kinds.ofObject('apps/v1', 'ControllerRevision');
  const data = chunk(2, chunk(1, '{"spec":{"a":[1]}}'));
  t.match(decode(envelope('apps/v1', 'ControllerRevision', data, number(3, 4)), revision), {
    data: { spec: { a: [1] } },
    revision: 4,
  });
  const review = kinds.ofObject('authorization.k8s.io/v1', 'SubjectAccessReview');
  const extra = entry(5, 'scopes', chunk(2, chunk(1, 'x'), chunk(1, 'y')));
  const body = envelope('authorization.k8s.io/v1', 'SubjectAccessReview', chunk(2, extra));
  t.match(decode(body, review), { spec: { extra: { scopes: ['x', 'y'] } } });
});

t.test("a definition's schema is read with its alternatives", async (t) => {
  const definition = kinds.ofObject('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  const string = [chunk(5, 'string')];
  const schema = [
    chunk(5, 'object'),
    chunk(30, number(1, 1)),
    entry(29, 'a', chunk(2, chunk(24, chunk(1, ...string)), chunk(8, chunk(1, '"x"')))),
    entry(29, 'b', chunk(2, number(38, 1), double(9, 1.5))),
    entry(29, 'c', chunk(2, chunk(24, chunk(2, ...string)), chunk(30, chunk(2, ...string)))),
  ];
  const spec = chunk(2, chunk(7, chunk(1, 'v1'), chunk(4, chunk(1, ...schema))));
  const body = envelope('apiextensions.k8s.io/v1', 'CustomResourceDefinition', spec);
  t.match(decode(body, definition), {
    spec: {
      versions: [
        {
          name: 'v1',
          schema: {
            openAPIV3Schema: {
              type: 'object',
              additionalProperties: true,
              properties: {
                a: { items: { type: 'string' }, default: 'x' },
                b: { 'x-kubernetes-preserve-unknown-fields': true, maximum: 1.5 },
                c: { items: [{ type: 'string' }], additionalProperties: { type: 'string' } },
              },
            },
          },
        },
      ],
    },
  });
});

t.test('bodies cut short, or of something else, are refused', async (t) => {
  const whole = envelope('v1', 'Pod', meta);
  for (let length = 0; length < whole.length; length += 1) {
    const result = decode(whole.subarray(0, length));
    if (Array.isArray(result)) t.equal(result[0], 400);
  }
  t.match(decode(Buffer.from('{"a":1}')), [400, /expected prefix \[107 56 115 0\]/]);
  t.match(decode(envelope('v1', 'Pod', number(1, 5))), [400, /wrong wireType = 0 for field 1/]);
  t.match(decode(envelope('v1', 'ConfigMap')), [400, /unknown conversion/]);
  const cronTab = kinds.ofObject('stable.example.com/v1', 'CronTab');
  t.match(decode(envelope('stable.example.com/v1', 'CronTab'), cronTab), [415]);
});

t.test('delete options come in protobuf, too', async (t) => {
  const preconditions = chunk(2, chunk(1, 'uid-1'));
  const body = envelope('v1', 'DeleteOptions', number(1, 0), preconditions, chunk(4, 'Foreground'));
  t.strictSame(decodeOptions(body, type, 'DeleteOptions', kinds), {
    _tag: 'Right',
    right: {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
      preconditions: { uid: 'uid-1' },
      propagationPolicy: 'Foreground',
    },
  });
});
