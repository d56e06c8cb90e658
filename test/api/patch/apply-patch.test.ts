import { isLeft, isRight } from 'fp-ts/lib/Either.js';
import t from 'tap';
import { applyPatch, type PatchType } from '#api/patch/apply-patch.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';

const kinds = createKinds();
const deployments = kinds.find('apps', 'v1', 'deployments') as Kind;
const pods = kinds.find('', 'v1', 'pods') as Kind;

const deployment = (): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } },
  spec: {
    replicas: 2,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
    template: {
      spec: {
        containers: [
          { name: 'web', image: 'nginx:1', env: [{ name: 'A', value: '1' }] },
          { name: 'log', image: 'log:1' },
        ],
        volumes: [{ name: 'data', emptyDir: {} }],
      },
    },
  },
});

const ok = (kind: Kind, current: KubeObject, patch: unknown, type: PatchType): KubeObject => {
  const result = applyPatch(kind, current, patch, type);
  if (isLeft(result)) throw result.left;
  return result.right;
};

t.test('kubectl set image changes one container and leaves its neighbours', async (t) => {
  const patch = {
    spec: {
      template: {
        spec: {
          '$setElementOrder/containers': [{ name: 'web' }, { name: 'log' }],
          containers: [{ name: 'web', image: 'nginx:2' }],
        },
      },
    },
  };
  const before = deployment();
  const expected = deployment();
  const template = (expected['spec'] as { template: { spec: { containers: { image: string }[] } } })
    .template;
  (template.spec.containers[0] as { image: string }).image = 'nginx:2';
  t.strictSame(ok(deployments, before, patch, 'strategic'), expected);
  t.strictSame(before, deployment());
});

t.test('the merge keys of real kinds are known', async (t) => {
  const env = {
    spec: {
      template: { spec: { containers: [{ name: 'web', env: [{ name: 'B', value: '2' }] }] } },
    },
  };
  const volume = {
    spec: {
      template: {
        spec: {
          volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'data', hostPath: { path: '/x' } }],
        },
      },
    },
  };
  const strategy = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
  const result = ok(
    deployments,
    ok(deployments, ok(deployments, deployment(), env, 'strategic'), volume, 'strategic'),
    strategy,
    'strategic',
  );
  t.match(result, {
    spec: {
      strategy: { type: 'Recreate' },
      template: {
        spec: {
          containers: [{ name: 'web', env: [{ name: 'B' }, { name: 'A' }] }, { name: 'log' }],
          volumes: [{ name: 'data', hostPath: { path: '/x' } }],
        },
      },
    },
  });
  t.notHas((result['spec'] as { strategy: object }).strategy, { rollingUpdate: {} });
});

t.test('finalizers are a set and conditions merge by type', async (t) => {
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', finalizers: ['a/b', 'c/d'] },
    status: { conditions: [{ type: 'Ready', status: 'False' }] },
  };
  const patch = {
    metadata: { '$deleteFromPrimitiveList/finalizers': ['a/b'] },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const result = ok(pods, pod, patch, 'strategic');
  t.same(result.metadata.finalizers, ['c/d']);
  t.same((result['status'] as { conditions: unknown }).conditions, [
    { type: 'Ready', status: 'True' },
  ]);
});

t.test('each refusal has the code and reason of kube-apiserver', async (t) => {
  const custom = { ...pods, custom: { uid: 'u' } } as Kind;
  const cases: [Kind, unknown, PatchType, number, string][] = [
    [custom, {}, 'strategic', 415, 'UnsupportedMediaType'],
    [pods, [], 'merge', 400, 'BadRequest'],
    [pods, 'x', 'strategic', 400, 'BadRequest'],
    [pods, {}, 'json', 400, 'BadRequest'],
    [pods, { metadata: null }, 'merge', 400, 'BadRequest'],
    [pods, new Array(10_001).fill({}), 'json', 413, 'RequestEntityTooLarge'],
    [pods, [{ op: 'test', path: '/metadata/name', value: 'x' }], 'json', 422, 'Invalid'],
    [pods, { spec: { $patch: 'no' } }, 'strategic', 400, 'BadRequest'],
  ];
  for (const [kind, patch, type, code, reason] of cases) {
    const current = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: {} };
    const result = applyPatch(kind, current, patch, type);
    t.ok(
      isLeft(result) && result.left.code === code && result.left.reason === reason,
      JSON.stringify(patch).slice(0, 80),
    );
  }
  t.ok(isRight(applyPatch(custom, deployment(), { spec: { replicas: 3 } }, 'merge')));
});
