import * as Either from 'fp-ts/lib/Either.js';
import t from 'tap';
import { decodeBody } from '#api/schema/decode.ts';
import type { Kind } from '#api/schema/kind.ts';
import { kindsWithCronTab } from './fixtures.ts';

const kinds = kindsWithCronTab();
const kindOf = (apiVersion: string, kind: string): Kind => {
  const found = kinds.ofObject(apiVersion, kind);
  if (found === undefined) throw new Error(`${apiVersion} ${kind} is not served`);
  return found;
};
const pod = kindOf('v1', 'Pod');
const cronTab = kindOf('stable.example.com/v1', 'CronTab');

function decode(text: string, mode: 'Strict' | 'Warn' | 'Ignore' = 'Strict', kind: Kind = pod) {
  return decodeBody(kind, Buffer.from(text), 'application/json', mode, kinds);
}
function refused(text: string, kind: Kind = pod) {
  const result = decode(text, 'Strict', kind);
  return Either.isLeft(result) ? [result.left.code, result.left.message] : 'was accepted';
}
function accepted(text: string, mode: 'Strict' | 'Warn' | 'Ignore' = 'Strict', kind: Kind = pod) {
  const result = decode(text, mode, kind);
  if (Either.isLeft(result)) throw result.left;
  return result.right;
}
const handled = (why: string) => [400, `Pod in version "v1" cannot be handled as a Pod: ${why}`];
const unrecognized = (why: string, summary: string) => [
  400,
  `the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: ${why} (${summary})`,
];

t.test('a good body passes unchanged, with its type filled in', async (t) => {
  const { object, warnings } = accepted(
    '{"metadata":{"name":"a","labels":{"x:y":"a\\":b"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}',
  );
  t.strictSame(object, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', labels: { 'x:y': 'a":b' } },
    spec: { containers: [{ name: 'c', image: 'i:1' }] },
  });
  t.strictSame(warnings, []);
});

t.test(
  'Strict refuses all unknown and repeated fields at once, in the order of the text',
  async (t) => {
    const text =
      '{"metadata":{"name":"a","nam":1},"spec":{"containers":[{"name":"c","foo":1}],"x":{"y":1,"y":2},"restartPolicy":"Never","restartPolicy" :"Always"}}';
    t.strictSame(
      refused(text),
      handled(
        'strict decoding error: unknown field "metadata.nam", unknown field "spec.containers[0].foo", unknown field "spec.x", duplicate field "spec.restartPolicy"',
      ),
    );
  },
);

t.test('Warn tells of them, Ignore does not; both drop them', async (t) => {
  const text = '{"metadata":{"name":"a","labels":{"k":"1","k":"2"}},"spec":{"foo":{"bar":1}}}';
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', labels: { k: '2' } },
    spec: {},
  };
  t.strictSame(accepted(text, 'Warn'), {
    object,
    warnings: ['duplicate field "metadata.labels.k"', 'unknown field "spec.foo"'],
  });
  t.strictSame(accepted(text, 'Ignore'), { object, warnings: [] });
});

t.test('a value of another type is refused as Go refuses it', async (t) => {
  const cases: [string, string][] = [
    ['{"spec":"x"}', 'string into Go struct field Pod.spec of type v1.PodSpec'],
    [
      '{"spec":{"containers":"x"}}',
      'string into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      '{"spec":{"containers":["x"]}}',
      'string into Go struct field PodSpec.spec.containers of type v1.Container',
    ],
    [
      '{"spec":{"containers":[{"ports":[{"containerPort":"80"}]}]}}',
      'string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
    [
      '{"spec":{"activeDeadlineSeconds":1.5}}',
      'number 1.5 into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64',
    ],
    [
      '{"metadata":{"labels":{"a":1}}}',
      'number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      '{"metadata":{"labels":[]}}',
      'array into Go struct field ObjectMeta.metadata.labels of type map[string]string',
    ],
    [
      '{"spec":{"hostNetwork":"true"}}',
      'string into Go struct field PodSpec.spec.hostNetwork of type bool',
    ],
  ];
  for (const [text, why] of cases) {
    t.strictSame(refused(text), handled(`json: cannot unmarshal ${why}`), text);
  }
});

t.test('scalars of Kubernetes are checked and written in their canonical form', async (t) => {
  const { object } = accepted(
    '{"metadata":{"creationTimestamp":"2026-01-02T03:04:05.9+01:00","deletionTimestamp":null},"spec":{"containers":[{"resources":{"limits":{"cpu":0.5,"memory":"1024Mi","a":"1000m","b":2}}}]}}',
  );
  t.match(object, {
    metadata: { creationTimestamp: '2026-01-02T02:04:05Z', deletionTimestamp: undefined },
    spec: {
      containers: [{ resources: { limits: { cpu: '500m', memory: '1Gi', a: '1', b: '2' } } }],
    },
  });
  t.match(refused('{"spec":{"containers":[{"resources":{"limits":{"cpu":"much"}}}]}}'), [
    400,
    /quantities must match the regular expression/,
  ]);
  t.match(refused('{"metadata":{"creationTimestamp":"today"}}'), [400, /parsing time "today"/]);
  const secret = kindOf('v1', 'Secret');
  t.match(refused('{"data":{"a":"***"}}', secret), [400, /illegal base64 data at input byte 0/]);
  const lease = kindOf('coordination.k8s.io/v1', 'Lease');
  t.match(
    accepted('{"spec":{"renewTime":"2026-01-02T03:04:05.1234567Z"}}', 'Strict', lease).object,
    {
      spec: { renewTime: '2026-01-02T03:04:05.123456Z' },
    },
  );
});

t.test('text that is not JSON is refused with the place', async (t) => {
  t.strictSame(
    refused('{"metadata":\n {"name":"a",}}'),
    unrecognized(
      "invalid character '}' looking for beginning of object key string (line 2, column 14)",
      '{"metadata":\n {"name":"a",}}',
    ),
  );
  t.strictSame(
    refused('{"a":[1,2'),
    unrecognized('unexpected end of JSON input (line 1, column 10)', '{"a":[1,2'),
  );
  t.strictSame(
    refused('hello'),
    unrecognized(
      "invalid character 'h' looking for beginning of value (line 1, column 1)",
      '68656c6c6f',
    ),
  );
  t.match(refused(''), [400, /unexpected end of JSON input.*\(<empty>\)/]);
  t.match(refused('{"a":tru}'), [400, /invalid character '}' in literal true \(expecting 'e'\)/]);
  t.match(refused('{"a":1}x'), [400, /invalid character 'x' after top-level value/]);
  t.match(refused('[]'), [400, /cannot unmarshal array into Go value/]);
  t.match(refused('"\\x"'), [400, /invalid character 'x' in string escape code/]);
});

t.test('a body of another kind or version is refused', async (t) => {
  t.strictSame(refused('{"apiVersion":"v1","kind":"ConfigMap"}'), [
    400,
    'ConfigMap in version "v1" cannot be handled as a Pod: converting (v1.ConfigMap) to (core.Pod): unknown conversion',
  ]);
  t.match(refused('{"apiVersion":"v1","kind":"Nothing"}'), [
    400,
    /^Nothing in version "v1" cannot be handled as a Pod: no kind "Nothing" is registered/,
  ]);
  t.strictSame(refused('{"apiVersion":"v2","kind":"Pod"}'), [
    400,
    'the API version in the data (v2) does not match the expected API version (v1)',
  ]);
  t.strictSame(
    refused('{"apiVersion":"stable.example.com/v1","kind":"X","metadata":{"name":"a"}}', cronTab),
    [422, 'CronTab.stable.example.com "a" is invalid: kind: Invalid value: "X": must be CronTab'],
  );
});

t.test('nesting beyond all sense is refused, not died of', async (t) => {
  const deep = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
  t.match(refused(deep), [400, /exceeded max depth/]);
});
