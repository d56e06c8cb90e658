import { isLeft, isRight } from 'fp-ts/lib/Either.js';
import t from 'tap';
import { bindPod } from '#api/kinds/binding.ts';
import { convert, needsConversion } from '#api/kinds/convert.ts';
import { applyScale, scaleOf } from '#api/kinds/scale.ts';
import { checkFieldSelector, fieldValue } from '#api/kinds/selectable-fields.ts';
import { cloneJson, type JsonObject } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { parseFieldSelector } from '#api/resources/selector.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
const kindOf = (apiVersion: string, kind: string): Kind => kinds.ofObject(apiVersion, kind) as Kind;
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

t.test('a scale shows and sets the replicas of any kind', async (t) => {
  const kind = kindOf('apps/v1', 'Deployment');
  const deployment = object(
    'apps/v1',
    'Deployment',
    {
      spec: {
        replicas: 3,
        selector: {
          matchLabels: { app: 'x' },
          matchExpressions: [{ key: 't', operator: 'Exists' }],
        },
      },
      status: { replicas: 2 },
    },
    { uid: 'u', resourceVersion: '5', creationTimestamp: '2026-01-01T00:00:00Z' },
  );
  t.strictSame(scaleOf(kind, deployment), {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name: 'x',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '5',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { replicas: 3 },
    status: { replicas: 2, selector: 'app=x,t' },
  });
  const scaled = applyScale(
    kind,
    deployment,
    object('autoscaling/v1', 'Scale', { spec: { replicas: 7 } }),
  );
  t.ok(isRight(scaled));
  if (isRight(scaled))
    t.match(scaled.right, { spec: { replicas: 7 }, metadata: { resourceVersion: '5' } });
  t.equal((deployment['spec'] as { replicas: number }).replicas, 3);
  const negative = applyScale(
    kind,
    deployment,
    object('autoscaling/v1', 'Scale', { spec: { replicas: -1 } }),
  );
  t.ok(isLeft(negative) && negative.left.code === 422);

  const custom = {
    ...kind,
    custom: {
      uid: 'crd',
      scale: {
        specReplicasPath: '.spec.size.count',
        statusReplicasPath: '.status.n',
        labelSelectorPath: '.status.sel',
      },
    },
  } as Kind;
  const widget = object('a.b/v1', 'Widget', {
    spec: { size: { count: 1 } },
    status: { n: 4, sel: 'a=b' },
  });
  t.match(scaleOf(custom, widget), {
    spec: { replicas: 1 },
    status: { replicas: 4, selector: 'a=b' },
  });
  const grown = applyScale(
    custom,
    widget,
    object('autoscaling/v1', 'Scale', { spec: { replicas: 2 } }),
  );
  t.ok(isRight(grown));
  if (isRight(grown)) t.match(grown.right, { spec: { size: { count: 2 } } });
});

t.test('an Event is the same event under both of its names', async (t) => {
  const [core, named] = [kindOf('v1', 'Event'), kindOf('events.k8s.io/v1', 'Event')];
  const event = object('v1', 'Event', {
    involvedObject: { kind: 'Pod', name: 'p' },
    reason: 'Started',
    message: 'hello',
    source: { component: 'agent' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:01Z',
    count: 2,
    type: 'Normal',
    eventTime: null,
    reportingComponent: 'agent',
    reportingInstance: '',
  });
  const converted = convert(event, core, named);
  t.match(converted, {
    apiVersion: 'events.k8s.io/v1',
    regarding: { name: 'p' },
    note: 'hello',
    deprecatedSource: { component: 'agent' },
    deprecatedCount: 2,
    reportingController: 'agent',
  });
  t.strictSame(convert(converted, named, core), event);
  t.equal(needsConversion(named), true);
  t.equal(needsConversion(core), false);
});

t.test('an autoscaler loses nothing on its way to v1 and back', async (t) => {
  const [v1, v2] = [
    kindOf('autoscaling/v1', 'HorizontalPodAutoscaler'),
    kindOf('autoscaling/v2', 'HorizontalPodAutoscaler'),
  ];
  const autoscaler = object('autoscaling/v2', 'HorizontalPodAutoscaler', {
    spec: {
      scaleTargetRef: { kind: 'Deployment', name: 'd' },
      maxReplicas: 5,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { averageUtilization: 70, type: 'Utilization' } },
        },
        {
          type: 'Pods',
          pods: { metric: { name: 'qps' }, target: { averageValue: '1k', type: 'AverageValue' } },
        },
      ],
      behavior: { scaleDown: { selectPolicy: 'Disabled' } },
    },
    status: {
      currentReplicas: 2,
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 30 } } },
      ],
      conditions: [{ type: 'AbleToScale', status: 'True' }],
    },
  });
  const old = convert(autoscaler, v2, v1);
  t.match(old, {
    apiVersion: 'autoscaling/v1',
    spec: { targetCPUUtilizationPercentage: 70 },
    status: { currentCPUUtilizationPercentage: 30 },
  });
  t.notOk('metrics' in (old['spec'] as object));
  t.strictSame(convert(old, v1, v2), autoscaler);
});

t.test('a field selector asks only what the kind offers', async (t) => {
  const pods = kindOf('v1', 'Pod');
  t.equal(
    checkFieldSelector(pods, parseFieldSelector('spec.nodeName=n,metadata.name!=a,status.phase=x')),
    undefined,
  );
  const unknown = checkFieldSelector(pods, parseFieldSelector('spec.color=red'));
  t.match(unknown, { code: 400, message: 'field label not supported: spec.color' });
  const pod = object('v1', 'Pod', {
    spec: { nodeName: 'n' },
    status: { podIPs: [{ ip: '10.0.0.1' }] },
  });
  const values: [string, string][] = [
    ['metadata.name', 'x'],
    ['metadata.namespace', 'default'],
    ['spec.nodeName', 'n'],
    ['spec.hostNetwork', 'false'],
    ['status.phase', ''],
    ['status.podIPs', '10.0.0.1'],
  ];
  for (const [path, value] of values) t.equal(fieldValue(pods, pod, path), value, path);
  t.equal(
    fieldValue(kindOf('v1', 'Node'), object('v1', 'Node', {}), 'spec.unschedulable'),
    'false',
  );
});
