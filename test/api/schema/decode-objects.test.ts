import * as Either from 'fp-ts/lib/Either.js';
import t from 'tap';
import { checkObject, decodeBody, decodeOptions, decodePlain } from '#api/schema/decode.ts';
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
function accepted(text: string, mode: 'Strict' | 'Warn' | 'Ignore' = 'Strict', kind: Kind = pod) {
  const result = decode(text, mode, kind);
  if (Either.isLeft(result)) throw result.left;
  return result.right;
}
t.test('custom objects are pruned by their schema; their types are not judged yet', async (t) => {
  const text =
    '{"metadata":{"name":"a","extra":1},"spec":{"cronSpec":5,"zzz":1,"labels":{"any":"x"},"free":{"kept":{"deep":1}},"template":{"metadata":{"bad":1},"kept":2}},"other":1,"spec2":{},"spec2":{}}';
  const { object, warnings } = accepted(text, 'Warn', cronTab);
  t.strictSame(object, {
    apiVersion: 'stable.example.com/v1',
    kind: 'CronTab',
    metadata: { name: 'a' },
    spec: {
      cronSpec: 5,
      labels: { any: 'x' },
      free: { kept: { deep: 1 } },
      template: { metadata: {}, kept: 2 },
    },
  });
  t.strictSame(warnings, [
    'duplicate field "spec2"',
    'unknown field "metadata.extra"',
    'unknown field "other"',
    'unknown field "spec.template.metadata.bad"',
    'unknown field "spec.zzz"',
    'unknown field "spec2"',
  ]);
});

t.test('a definition may hold a schema or a boolean, a schema or a list of them', async (t) => {
  const definition = kindOf('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  const schema = {
    type: 'object',
    additionalProperties: true,
    properties: {
      a: {
        items: [{ type: 'string' }],
        additionalProperties: { type: 'string', default: { b: 1 } },
      },
    },
  };
  const text = JSON.stringify({ spec: { versions: [{ schema: { openAPIV3Schema: schema } }] } });
  t.match(accepted(text, 'Strict', definition).object, {
    spec: { versions: [{ schema: { openAPIV3Schema: schema } }] },
  });
});

t.test('other content types are refused with the list of accepted ones', async (t) => {
  const result = decodeBody(cronTab, Buffer.from('x'), 'text/html', 'Strict', kinds);
  t.match(result, {
    left: {
      status: {
        code: 415,
        reason: 'UnsupportedMediaType',
        message:
          'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
      },
    },
  });
});

t.test('an object made by a patch is checked like a body', async (t) => {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { x: 1 } };
  t.match(checkObject(pod, structuredClone(object), 'Strict'), {
    left: {
      message:
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.x"',
    },
  });
  t.match(checkObject(pod, structuredClone(object), 'Warn'), {
    right: { object: { spec: {} }, warnings: ['unknown field "spec.x"'] },
  });
});

t.test('patches are parsed, with what they name twice', async (t) => {
  const text = '{"spec":{"a":1,"a":2}}';
  t.strictSame(decodePlain(Buffer.from(text), 'application/merge-patch+json'), {
    _tag: 'Right',
    right: { value: { spec: { a: 2 } }, repeated: ['duplicate field "spec.a"'] },
  });
  t.match(decodePlain(Buffer.from('{'), 'application/json-patch+json'), { left: { code: 400 } });
});

t.test('delete options may be left out, or come as JSON', async (t) => {
  const read = (text: string) =>
    decodeOptions(Buffer.from(text), 'application/json', 'DeleteOptions', kinds);
  t.match(read(''), { right: {} });
  t.strictSame(read('{"propagationPolicy":"Background","gracePeriodSeconds":0}'), {
    _tag: 'Right',
    right: {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      gracePeriodSeconds: 0,
    },
  });
  t.match(read('{"gracePeriodSeconds":"x"}'), { left: { code: 400 } });
});
