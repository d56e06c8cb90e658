import t from 'tap';
import { convert, needsConversion } from '#api/kinds/convert.ts';
import { kindOf, object } from './cases.ts';

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
