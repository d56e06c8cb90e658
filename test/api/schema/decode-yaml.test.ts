import * as Either from 'fp-ts/lib/Either.js';
import t from 'tap';
import { decodeBody } from '#api/schema/decode.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
const pod = kinds.find('', 'v1', 'pods') as Kind;

function decode(text: string, mode: 'Strict' | 'Warn' | 'Ignore') {
  const result = decodeBody(pod, Buffer.from(text), 'application/yaml', mode, kinds);
  return Either.isLeft(result) ? [result.left.code, result.left.message] : result.right;
}

t.test('YAML is read as Kubernetes reads it: version 1.1, times as text', async (t) => {
  const text = `
apiVersion: v1
kind: Pod
metadata: &meta
  name: a
  creationTimestamp: 2026-01-02T03:04:05Z
  annotations: {when: "2026-01-02", "y": "no"}
spec:
  hostNetwork: yes
  hostPID: off
  volumes:
  - name: s
    secret: {defaultMode: 0644}
---
ignored: document
`;
  t.strictSame(decode(text, 'Strict'), {
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'a',
        creationTimestamp: '2026-01-02T03:04:05Z',
        annotations: { when: '2026-01-02', y: 'no' },
      },
      spec: {
        hostNetwork: true,
        hostPID: false,
        volumes: [{ name: 's', secret: { defaultMode: 420 } }],
      },
    },
    warnings: [],
  });
});

t.test('repeated keys are told with their lines, before unknown fields', async (t) => {
  const text = 'metadata:\n  name: a\n  name: b\nspec:\n  foo: 1\n  nodeName: p\n  nodeName: q\n';
  const repeated =
    'yaml: unmarshal errors:\n  line 3: key "name" already set in map\n  line 7: key "nodeName" already set in map';
  t.strictSame(decode(text, 'Strict'), [
    400,
    `Pod in version "v1" cannot be handled as a Pod: strict decoding error: ${repeated}, unknown field "spec.foo"`,
  ]);
  t.strictSame(decode(text, 'Warn'), {
    object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'b' }, spec: { nodeName: 'q' } },
    warnings: [repeated, 'unknown field "spec.foo"'],
  });
});

t.test('text that is not YAML is refused with line and column', async (t) => {
  t.match(decode('metadata:\n  name: a\n foo: b\n', 'Ignore'), [
    400,
    /^the object provided is unrecognized \(must be of type Pod\): error converting YAML to JSON: yaml: line 3: .*\(column \d+\)/,
  ]);
  t.match(decode('a: [1, 2', 'Ignore'), [400, /yaml: line 1: /]);
  t.match(decode('just words', 'Ignore'), [400, /cannot unmarshal string into Go value/]);
});

t.test('aliases cannot blow a small body up', async (t) => {
  const levels = ['a: &a [x,x,x,x,x,x,x,x,x]'];
  for (const [index, name] of ['b', 'c', 'd', 'e', 'f'].entries()) {
    const from = 'abcdef'[index];
    levels.push(`${name}: &${name} [${Array(9).fill(`*${from}`).join(',')}]`);
  }
  t.match(decode(levels.join('\n'), 'Ignore'), [400, /alias/]);
});
