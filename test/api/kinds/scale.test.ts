import { isLeft, isRight } from 'fp-ts/lib/Either.js';
import t from 'tap';
import { applyScale, scaleOf } from '#api/kinds/scale.ts';
import type { Kind } from '#api/schema/kind.ts';
import { kindOf, object } from './cases.ts';

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
