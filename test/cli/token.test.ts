/** A pipeline that shows a token of a service account, and may do no more than its role says. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { startTestServer } from '../support/api-server.ts';
import { run } from '../support/cluster.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(60_000);
const server = await startTestServer();
t.teardown(() => server.close());
const admin = server.client();
const main = resolve(import.meta.dirname, '../../cli/main.ts');
const folder = scratch('token')();
const namespaced = '/api/v1/namespaces/default';
const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';

/** A kubeconfig as the guide has it: the cluster's, with a token in the place of the certificate. */
async function kubeconfigOf(account: string): Promise<string> {
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const path = `${namespaced}/serviceaccounts/${account}/token`;
  const answer = (await admin.request('POST', path, request)) as { status: { token: string } };
  const place = join(folder, `${account}.kubeconfig`);
  const ca = readFileSync(join(server.pki, 'ca.crt')).toString('base64');
  writeFileSync(
    place,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server: server.url, 'certificate-authority-data': ca } }],
      users: [{ name: 'u', user: { token: answer.status.token } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    }),
  );
  return place;
}

t.test('it applies and prunes what its role names, and nothing else', async (t) => {
  await admin.request('POST', `${namespaced}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'deployer' },
  });
  const verbs = ['get', 'create', 'update', 'patch', 'delete'];
  await admin.request('POST', `${rbac}/roles`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'deployer' },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs }],
  });
  await admin.request('POST', `${rbac}/rolebindings`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'deployer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'deployer' },
    subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace: 'default' }],
  });
  const kubeconfig = await kubeconfigOf('deployer');
  const documents = join(folder, 'documents');
  mkdirSync(documents);
  const document = (kind: string, name: string) =>
    writeFileSync(
      join(documents, 'it.yaml'),
      `apiVersion: v1\nkind: ${kind}\nmetadata: {name: ${name}}\n`,
    );
  const apply = () =>
    run(process.execPath, [
      main,
      'apply',
      '--kubeconfig',
      kubeconfig,
      '-f',
      documents,
      '--prune',
      '--set',
      's',
    ]);
  document('ConfigMap', 'one');
  t.match(await apply(), { code: 0, stdout: 'configmap/one created\n', stderr: '' });
  document('ConfigMap', 'two');
  t.match(await apply(), { code: 0, stdout: 'configmap/two created\nconfigmap/one pruned\n' });
  document('Secret', 'three');
  const refused = await apply();
  t.equal(refused.code, 1);
  t.match(
    refused.stderr,
    /it\.yaml:1: apply Secret three: secrets "three" is forbidden: User "system:serviceaccount:default:deployer" cannot/,
  );
});
