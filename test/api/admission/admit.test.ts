import { isLeft, isRight } from 'fp-ts/lib/Either.js';
import t from 'tap';
import {
  type AdmissionContext,
  admitCreate,
  admitStatusUpdate,
  admitUpdate,
} from '#api/admission/admit.ts';
import { checkNamespaceDeletion } from '#api/admission/namespace-lifecycle.ts';
import { cloneJson, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { StatusError } from '#api/resources/status.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
const kindOf = (apiVersion: string, kind: string): Kind => kinds.ofObject(apiVersion, kind) as Kind;
const pods = kindOf('v1', 'Pod');

const object = (
  apiVersion: string,
  kind: string,
  rest: JsonObject,
  meta: JsonObject = {},
): KubeObject =>
  ({
    apiVersion,
    kind,
    metadata: { name: 'x', namespace: 'default', ...meta },
    ...rest,
  }) as unknown as KubeObject;
const priorityClass = (name: string, value: number, more: JsonObject = {}): KubeObject =>
  object('scheduling.k8s.io/v1', 'PriorityClass', { value, ...more }, { name });

const context: AdmissionContext = {
  namespace: (name) => {
    if (name === 'absent') return undefined;
    const meta = name === 'going' ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {};
    return object('v1', 'Namespace', {}, { name, ...meta });
  },
  priorityClasses: () => [priorityClass('high', 1000, { preemptionPolicy: 'Never' })],
};

const pod = (spec: JsonObject = {}, meta?: JsonObject): KubeObject =>
  object('v1', 'Pod', { spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec } }, meta);

function admitted(target: KubeObject, within = context): JsonObject {
  const before = cloneJson(target);
  const result = admitCreate(kindOf(target.apiVersion, target.kind), target, within);
  t.strictSame(target, before, 'admission changes nothing');
  if (isLeft(result)) throw result.left;
  return result.right['spec'] as JsonObject;
}

function refused(target: KubeObject, within = context): StatusError {
  const result = admitCreate(kindOf(target.apiVersion, target.kind), target, within);
  if (isRight(result)) throw new Error('was admitted');
  return result.left;
}

t.test('a pod is given an account, tolerations and a priority', async (t) => {
  const toleration = { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 };
  t.match(admitted(pod()), {
    serviceAccountName: 'default',
    serviceAccount: 'default',
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', ...toleration },
      { key: 'node.kubernetes.io/unreachable', ...toleration },
    ],
  });
  const tolerant = admitted(pod({ tolerations: [{ operator: 'Exists' }] }));
  t.strictSame(tolerant['tolerations'], [{ operator: 'Exists' }]);
});

t.test('a priority comes from its class', async (t) => {
  t.match(admitted(pod({ priorityClassName: 'high' })), {
    priority: 1000,
    preemptionPolicy: 'Never',
  });
  t.match(admitted(pod({ priorityClassName: 'system-node-critical' })), {
    priority: 2_000_001_000,
  });
  const byDefault = {
    ...context,
    priorityClasses: () => [priorityClass('usual', 7, { globalDefault: true })],
  };
  t.match(admitted(pod(), byDefault), { priority: 7, priorityClassName: 'usual' });
  t.match(refused(pod({ priorityClassName: 'absent' })), {
    code: 403,
    message: 'pods "x" is forbidden: no PriorityClass with name absent was found',
  });
  t.match(refused(pod({ priority: 5 })), {
    code: 403,
    message: /must not be provided in pod spec/,
  });
});

t.test('nothing is made in a namespace that is missing or going', async (t) => {
  t.match(refused(pod({}, { namespace: 'absent' })), {
    code: 404,
    message: 'namespaces "absent" not found',
  });
  const going = refused(pod({}, { namespace: 'going' }));
  t.equal(going.code, 403);
  t.match(going.status.details?.causes, [
    { reason: 'NamespaceTerminating', field: 'metadata.namespace' },
  ]);
  const node = object('v1', 'Node', {});
  t.ok(isRight(admitCreate(kindOf('v1', 'Node'), { ...node, metadata: { name: 'n' } }, context)));
  t.equal(checkNamespaceDeletion(kindOf('v1', 'Namespace'), 'mine'), undefined);
  t.match(checkNamespaceDeletion(kindOf('v1', 'Namespace'), 'kube-system'), { code: 403 });
});

t.test('an invalid object is refused with all its causes', async (t) => {
  const error = refused(
    object('v1', 'Pod', { spec: { containers: [{ name: 'C' }], restartPolicy: 'No' } }),
  );
  t.equal(error.code, 422);
  t.equal(error.reason, 'Invalid');
  t.match(error.message, /^Pod "x" is invalid: \[spec\.containers\[0\]\.name: Invalid value: "C"/);
  t.strictSame(
    error.status.details?.causes?.map(({ field }) => field),
    ['spec.containers[0].name', 'spec.containers[0].image', 'spec.restartPolicy'],
  );
});

t.test('an update that leaves defaults out changes nothing', async (t) => {
  const kind = kindOf('apps/v1', 'Deployment');
  const labels = { app: 'x' };
  const spec = {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i:1' }] } },
  };
  const created = admitCreate(
    kind,
    object('apps/v1', 'Deployment', { spec }, { generation: 1 }),
    context,
  );
  if (isLeft(created)) throw created.left;
  const old = created.right;
  const same = admitUpdate(kind, object('apps/v1', 'Deployment', { spec }), old);
  t.ok(isRight(same) && same.right.metadata.generation === 1);
  const more = admitUpdate(
    kind,
    object('apps/v1', 'Deployment', { spec: { ...spec, replicas: 4 } }),
    old,
  );
  t.ok(isRight(more) && more.right.metadata.generation === 2);
  const status = admitStatusUpdate(kind, { ...old, spec: {}, status: { replicas: 1 } }, old);
  t.ok(isRight(status));
  if (isRight(status))
    t.match(status.right, { status: { replicas: 1 }, spec: old['spec'] as object });
});

t.test('a custom object is defaulted and checked by its definition', async (t) => {
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.a.b', uid: 'u', resourceVersion: '1' },
    spec: {
      group: 'a.b',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  required: ['color'],
                  properties: {
                    size: { type: 'integer', default: 3, minimum: 1 },
                    color: { type: 'string', enum: ['red', 'blue'] },
                  },
                },
              },
            },
          },
        },
      ],
    },
    status: {
      conditions: [
        { type: 'Established', status: 'True', lastTransitionTime: '', reason: '', message: '' },
      ],
    },
  };
  const registry = createKinds();
  registry.setCustom([crd as unknown as Parameters<typeof registry.setCustom>[0][number]]);
  const kind = registry.find('a.b', 'v1', 'widgets') as Kind;
  const made = admitCreate(kind, object('a.b/v1', 'Widget', { spec: { color: 'red' } }), context);
  t.ok(isRight(made) && isRight(made));
  if (isRight(made)) t.strictSame(made.right['spec'], { color: 'red', size: 3 });
  const bad = admitCreate(
    kind,
    object('a.b/v1', 'Widget', { spec: { color: 'green', size: 0 } }),
    context,
  );
  t.ok(isLeft(bad) && bad.left.code === 422);
  if (isLeft(bad)) {
    const fields = bad.left.status.details?.causes?.map(({ field }) => field).sort();
    t.strictSame(fields, ['spec.color', 'spec.size']);
  }
});

t.test('a pod may be updated as it was stored', async (t) => {
  const created = admitCreate(pods, pod(), context);
  if (isLeft(created)) throw created.left;
  const again = admitUpdate(pods, created.right, created.right);
  t.ok(isRight(again));
  if (isRight(again)) t.strictSame(again.right, created.right);
});
