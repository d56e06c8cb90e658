import t from 'tap';
import {
  type DeletionOptions,
  mayBeRemoved,
  planDeletion,
  podDeletion,
} from '#api/kinds/deletion.ts';
import { cloneJson, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
const kindOf = (apiVersion: string, kind: string): Kind => kinds.ofObject(apiVersion, kind) as Kind;
const now = new Date('2026-01-01T00:00:00Z');

const object = (
  apiVersion: string,
  kind: string,
  rest: JsonObject = {},
  meta: JsonObject = {},
): KubeObject =>
  ({ apiVersion, kind, metadata: { name: 'x', ...meta }, ...rest }) as unknown as KubeObject;
const pod = (rest: JsonObject = {}, meta?: JsonObject): KubeObject =>
  object(
    'v1',
    'Pod',
    { spec: { nodeName: 'n', terminationGracePeriodSeconds: 30 }, ...rest },
    meta,
  );

function plan(target: KubeObject, options: DeletionOptions = {}): ReturnType<typeof planDeletion> {
  const before = cloneJson(target);
  const result = planDeletion(kindOf(target.apiVersion, target.kind), target, options, now);
  t.strictSame(target, before, 'planning changes nothing');
  return result;
}

t.test('a pod has the time it asked for, unless nothing runs', async (t) => {
  const cases: [KubeObject, DeletionOptions, number][] = [
    [pod(), {}, 30],
    [pod({ spec: { nodeName: 'n' } }), {}, 30],
    [pod({ spec: { nodeName: 'n', terminationGracePeriodSeconds: 5 } }), {}, 5],
    [pod(), { gracePeriodSeconds: 7 }, 7],
    [pod(), { gracePeriodSeconds: 0 }, 0],
    [pod(), { gracePeriodSeconds: -1 }, 1],
    [pod({ spec: {} }), {}, 0],
    [pod({ status: { phase: 'Succeeded' } }), {}, 0],
    [pod({ status: { phase: 'Failed' } }), { gracePeriodSeconds: 9 }, 0],
  ];
  for (const [target, options, seconds] of cases) t.equal(podDeletion(target, options), seconds);
});

t.test('a running pod is marked, one that does not run goes at once', async (t) => {
  const marked = plan(pod({}, { generation: 1 }));
  t.match(marked, {
    type: 'update',
    object: {
      metadata: {
        deletionTimestamp: '2026-01-01T00:00:30Z',
        deletionGracePeriodSeconds: 30,
        generation: 2,
      },
    },
  });
  t.strictSame(plan(pod({ spec: {} })), { type: 'remove' });
  t.strictSame(plan(pod(), { gracePeriodSeconds: 0 }), { type: 'remove' });
});

t.test('a grace period may only be shortened', async (t) => {
  const going = pod(
    {},
    { deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 },
  );
  t.strictSame(plan(going), { type: 'none' });
  t.strictSame(plan(going, { gracePeriodSeconds: 60 }), { type: 'none' });
  t.match(plan(going, { gracePeriodSeconds: 10 }), {
    type: 'update',
    object: {
      metadata: { deletionTimestamp: '2026-01-01T00:00:10Z', deletionGracePeriodSeconds: 10 },
    },
  });
  t.strictSame(plan(going, { gracePeriodSeconds: 0 }), { type: 'remove' });
});

t.test('a finalizer holds an object, and only its going lets it go', async (t) => {
  const held = object('v1', 'ConfigMap', {}, { finalizers: ['a/b'] });
  const marked = plan(held);
  t.match(marked, {
    type: 'update',
    object: {
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 },
    },
  });
  if (marked.type !== 'update') return t.fail('not marked');
  t.equal(mayBeRemoved(marked.object), false);
  t.strictSame(plan(marked.object), { type: 'none' });
  const { finalizers: _, ...metadata } = marked.object.metadata;
  t.equal(mayBeRemoved({ ...marked.object, metadata }), true);
  t.equal(mayBeRemoved(held), false);
  t.strictSame(plan(object('v1', 'ConfigMap')), { type: 'remove' });
});

t.test('the propagation policy is told to the garbage collector by finalizers', async (t) => {
  const deployment = object('apps/v1', 'Deployment', {}, { generation: 3 });
  const finalizersOf = (target: KubeObject, options: DeletionOptions): unknown => {
    const result = plan(target, options);
    return result.type === 'update' ? result.object.metadata.finalizers : result.type;
  };
  t.strictSame(finalizersOf(deployment, { propagationPolicy: 'Foreground' }), [
    'foregroundDeletion',
  ]);
  t.strictSame(finalizersOf(deployment, { propagationPolicy: 'Orphan' }), ['orphan']);
  t.strictSame(finalizersOf(deployment, { orphanDependents: true }), ['orphan']);
  t.equal(finalizersOf(deployment, { propagationPolicy: 'Background' }), 'remove');
  t.equal(finalizersOf(deployment, {}), 'remove');
  t.strictSame(finalizersOf(object('batch/v1', 'Job'), {}), ['orphan']);
  t.equal(finalizersOf(object('batch/v1', 'Job'), { propagationPolicy: 'Background' }), 'remove');
});

t.test('a namespace stays until its own finalizers are gone', async (t) => {
  const namespace = object('v1', 'Namespace', {
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
  const marked = plan(namespace);
  t.match(marked, { type: 'update', object: { status: { phase: 'Terminating' } } });
  if (marked.type !== 'update') return t.fail('not marked');
  t.equal(mayBeRemoved(marked.object), false);
  t.strictSame(plan(marked.object), { type: 'none' });
  t.equal(mayBeRemoved({ ...marked.object, spec: {} }), true);
});
