/** What it costs to find out who asks and what they may, in the API server's process: no network, no store. */
import { generateKeyPairSync } from 'node:crypto';
import { ServiceAccountTokens } from '#api/authentication/service-account-tokens.ts';
import { readTokenKeys } from '#api/authentication/token-keys.ts';
import type { User } from '#api/authentication/user.ts';
import type { Attributes } from '#api/authorization/attributes.ts';
import { ClusterAuthorizer } from '#api/authorization/authorizer.ts';
import { bootstrapPolicy } from '#api/authorization/bootstrap/policy.ts';
import { NodeGraph } from '#api/authorization/node-graph.ts';
import { policyOf } from '#api/authorization/policy.ts';
import { Rbac } from '#api/authorization/rbac.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { WatchCache } from '#api/storage/watch-cache.ts';
import { printTable } from './measure.ts';

const storage = createMemoryStorage();
const put = (key: string, object: object) =>
  storage.put(key, Buffer.from(JSON.stringify(object)), { expectedRevision: 0 });
const podCount = 100;
const account = { name: 'robot', namespace: 'shop', uid: 'a1' };
await put('/registry/serviceaccounts/shop/robot', {
  kind: 'ServiceAccount',
  apiVersion: 'v1',
  metadata: account,
});
for (let n = 0; n < podCount; n += 1) {
  await put(`/registry/pods/shop/p${n}`, {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: `p${n}`, namespace: 'shop', uid: `u${n}` },
    spec: {
      nodeName: 'n1',
      volumes: [{ name: 'v', secret: { secretName: `s${n}` } }],
      containers: [],
    },
  });
}
const cache = await WatchCache.start(storage, { prefix: '/registry/' });
const rbac = new Rbac(cache, policyOf(bootstrapPolicy));
const authorizer = new ClusterAuthorizer(rbac, new NodeGraph(cache));
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = { format: 'pem' } as const;
const keys = readTokenKeys(
  privateKey.export({ type: 'pkcs8', ...pem }) as string,
  publicKey.export({ type: 'spki', ...pem }) as string,
);
const order = {
  namespace: 'shop',
  account,
  audiences: ['https://kubernetes.default.svc.cluster.local'],
  seconds: 3600,
};

const rows: Record<string, string>[] = [];
function measure(what: string, rounds: number, run: (n: number) => unknown): void {
  for (let n = 0; n < rounds / 10; n += 1) run(n);
  const began = process.hrtime.bigint();
  for (let n = 0; n < rounds; n += 1) run(n);
  const us = Number(process.hrtime.bigint() - began) / 1000 / rounds;
  rows.push({ what, 'µs each': us.toFixed(2) });
}

const manager: User = {
  name: 'system:kube-controller-manager',
  groups: ['system:authenticated'],
};
const node: User = { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
const ask = (user: User, resource: string, n: number): Attributes => ({
  user,
  verb: 'get',
  group: '',
  resource,
  namespace: 'shop',
  name: `p${n % podCount}`,
});
measure('a calibration loop of 1,000 additions', 100_000, () => {
  let sum = 0;
  for (let n = 0; n < 1000; n += 1) sum += n;
  return sum;
});
measure('decide by role, asked before', 1_000_000, (n) =>
  authorizer.authorize(ask(manager, 'pods', n)),
);
measure('decide by role, a new user each time', 20_000, (n) =>
  authorizer.authorize(ask({ name: `u${n}`, groups: ['system:authenticated'] }, 'pods', n)),
);
measure('a node reads a pod of its own', 200_000, (n) =>
  authorizer.authorize(ask(node, 'pods', n)),
);
measure(`a node reads a Secret that one of its ${podCount} pods names`, 20_000, (n) =>
  authorizer.authorize({ ...ask(node, 'secrets', n), name: `s${n % podCount}` }),
);

const tokens = new ServiceAccountTokens(keys, cache, () => new Date());
const { token } = tokens.issue(order);
measure('sign a token', 5_000, () => tokens.issue(order));
measure('verify a token, seen before', 500_000, () => tokens.verify(token));
const fresh = Array.from({ length: 2_200 }, () => tokens.issue(order).token);
measure('verify a token, new', 2_000, (n) => tokens.verify(fresh[n] ?? token));
printTable('Who and may', rows);
cache.close();
await storage.close();
