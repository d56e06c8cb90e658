import { resolve } from 'node:path';
import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import {
  deployments,
  persistentVolumeClaims,
  pods,
  replicaSets,
} from '#api/resources/resource-types.ts';
import { startTestServer } from '../support/api-server.ts';
import { run } from '../support/cluster.ts';

t.test('from a Deployment to the claim that its pod waits for', async (t) => {
  const server = await startTestServer();
  t.teardown(() => server.close());
  const client = server.client();
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'busybox' }] },
  };
  const selector = { matchLabels: { app: 'web' } };
  const make = async (
    type: ResourceType,
    name: string,
    spec: object,
    status: object,
    owner?: ApiObject,
  ) => {
    const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
    const owners = owner && [
      {
        apiVersion: owner.apiVersion,
        kind: owner.kind,
        name: owner.metadata.name,
        uid: owner.metadata.uid,
        controller: true,
      },
    ];
    const metadata = {
      name,
      namespace: 'default',
      labels: { app: 'web' },
      ...(owners ? { ownerReferences: owners } : {}),
    };
    const collection = client.collection<ApiObject>(type);
    const made = await collection.create({
      apiVersion,
      kind: type.kind,
      metadata,
      spec,
    } as ApiObject);
    await collection.patchStatus({ namespace: 'default', name }, { status }, 'merge');
    return made;
  };
  const set = { replicas: 1, selector, template };
  const deployment = await make(deployments, 'web', set, {
    observedGeneration: 1,
    replicas: 1,
    updatedReplicas: 1,
  });
  const replicas = await make(
    replicaSets,
    'web-1',
    set,
    { observedGeneration: 1, replicas: 1 },
    deployment,
  );
  const message = '0/1 nodes are available: persistentvolumeclaim "data" is not bound.';
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
  await make(pods, 'web-1-a', template.spec, { phase: 'Pending', conditions }, replicas);
  await make(
    persistentVolumeClaims,
    'data',
    {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'fast',
      resources: { requests: { storage: '1Gi' } },
    },
    { phase: 'Pending' },
  );
  const main = resolve(import.meta.dirname, '../../cli/main.ts');
  const { code, stdout, stderr } = await run(process.execPath, [
    main,
    'why',
    '--kubeconfig',
    server.kubeconfig,
    'deploy/web',
  ]);
  t.equal(stderr, '');
  t.equal(code, 1);
  t.match(
    stdout,
    /^deployment\.apps\/web is .*, because replicaset\.apps\/web-1 is .*, because pod\/web-1-a: no node takes it: .*, because persistentvolumeclaim\/data is Pending, with no volume bound to it\.\n/,
  );
  t.match(stdout, /^What helps: see why the class 'fast' makes none/m);
});
