import { isLeft, isRight } from 'fp-ts/lib/Either.js';
import t from 'tap';
import { bindPod } from '#api/kinds/binding.ts';
import { cloneJson, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { object } from './cases.ts';

const now = new Date('2026-01-01T00:00:00Z');
const binding = (name: string, meta?: JsonObject): KubeObject =>
  object('v1', 'Binding', { target: { kind: 'Node', name } }, meta);

t.test('a pod is bound once, and its condition says so', async (t) => {
  const pod = object(
    'v1',
    'Pod',
    { spec: {}, status: { phase: 'Pending' } },
    { uid: 'u', generation: 1 },
  );
  const before = cloneJson(pod);
  const bound = bindPod(pod, binding('n1', { annotations: { a: 'b' } }), now);
  t.strictSame(pod, before);
  t.ok(isRight(bound));
  if (isLeft(bound)) return;
  t.match(bound.right, {
    metadata: { annotations: { a: 'b' }, generation: 1 },
    spec: { nodeName: 'n1' },
    status: {
      phase: 'Pending',
      conditions: [
        { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ],
    },
  });
  const again = bindPod(bound.right, binding('n2'), now);
  t.ok(isLeft(again) && again.left.code === 409);
  t.match(
    isLeft(again) ? again.left.message : '',
    /pods\/binding "x": pod x is already assigned to node "n1"/,
  );
});

t.test('a binding that does not fit is refused', async (t) => {
  const pod = object('v1', 'Pod', { spec: {} }, { uid: 'u' });
  const cases: [KubeObject, KubeObject, number, RegExp][] = [
    [pod, binding('n', { uid: 'other' }), 409, /Precondition failed: UID/],
    [
      object('v1', 'Pod', { spec: {} }, { deletionTimestamp: 't' }),
      binding('n'),
      409,
      /being deleted/,
    ],
    [
      object('v1', 'Pod', { spec: { schedulingGates: [{ name: 'g' }] } }),
      binding('n'),
      409,
      /schedulingGates/,
    ],
    [pod, binding(''), 422, /target\.name: Required value/],
    [
      pod,
      object('v1', 'Binding', { target: { kind: 'Minion', name: 'n' } }),
      422,
      /target\.kind: Unsupported/,
    ],
  ];
  for (const [target, wanted, code, message] of cases) {
    const result = bindPod(target, wanted, now);
    t.ok(
      isLeft(result) && result.left.code === code && message.test(result.left.message),
      String(message),
    );
  }
});
