/** Who may what, from end to end: real kubectl, accounts and their tokens inside containers. */
import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import { run, TestCluster, waitFor, withoutKubectl } from '../support/cluster.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(200_000);
const skip = await withoutKubectl();
const mount = '/var/run/secrets/kubernetes.io/serviceaccount';

const pod = (name: string, more = ''): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop}
spec:
  terminationGracePeriodSeconds: 0
  ${more}
  containers:
  - {name: main, image: '${image}', command: [sleep, '3600']}
`;

t.test('a cluster with accounts', { skip }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const as = (token: string, ...args: string[]) =>
    run('kubectl', [
      ...['--server', `https://127.0.0.1:${cluster.port}`, '--token', token],
      ...['--certificate-authority', `${cluster.dataDir}/pki/ca.crt`],
      ...['--kubeconfig', '/dev/null', ...args],
    ]);
  const ok = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.kubectl(...args);
    t.equal(code, 0, `kubectl ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const running = (name: string) =>
    waitFor(`pod ${name}`, async () => {
      const held = await cluster.json<Pod>('-n', 'shop', 'get', 'pod', name);
      return held.status?.phase === 'Running' ? held : undefined;
    });

  await t.test('a pod can be made together with its namespace', async (t) => {
    await cluster.apply(
      `apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n${pod('one')}`,
    );
    const held = await running('one');
    t.equal(held.spec?.serviceAccountName, 'default');
    const [volume] = held.spec?.volumes ?? [];
    t.match(volume?.name, /^kube-api-access-[a-z0-9]{5}$/);
    t.match(held.spec?.containers[0]?.volumeMounts, [{ mountPath: mount, readOnly: true }]);
  });

  await t.test('a container finds a token that is its account', async (t) => {
    const read = (file: string) => ok('-n', 'shop', 'exec', 'one', '--', 'cat', `${mount}/${file}`);
    t.equal(await read('namespace'), 'shop');
    t.match(await read('ca.crt'), /BEGIN CERTIFICATE/);
    const token = await read('token');
    const who = await as(token, 'auth', 'whoami', '-o', 'json');
    t.match(JSON.parse(who.stdout).status.userInfo, {
      username: 'system:serviceaccount:shop:default',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/pod-name': ['one'] },
    });
    t.match((await as(token, '-n', 'shop', 'get', 'pods')).stderr, /cannot list resource "pods"/);
    await ok(
      '-n',
      'shop',
      'create',
      'rolebinding',
      'see',
      '--clusterrole=view',
      '--serviceaccount=shop:default',
    );
    t.match((await as(token, '-n', 'shop', 'get', 'pods')).stdout, /one/);
    t.match(
      (await as(token, '-n', 'shop', 'get', 'secrets')).stderr,
      /cannot list resource "secrets"/,
    );
    t.match((await as(token, 'get', 'pods')).stderr, /in the namespace "default"/);
    await ok('-n', 'shop', 'delete', 'pod', 'one', '--now');
    t.match(
      (await as(token, '-n', 'shop', 'get', 'pods')).stderr,
      /Unauthorized|must be logged in/,
    );
  });

  await t.test('who wants no token gets none', async (t) => {
    await cluster.apply(pod('bare', 'automountServiceAccountToken: false'));
    t.notOk((await running('bare')).spec?.volumes);
    const missing = await cluster.kubectlInput(
      pod('lost', 'serviceAccountName: nobody'),
      'create',
      '-f',
      '-',
    );
    t.match(
      missing.stderr,
      /error looking up service account shop\/nobody: serviceaccount "nobody" not found/,
    );
  });

  await t.test('roles, tokens and impersonation work as people use them', async (t) => {
    await ok('-n', 'shop', 'create', 'serviceaccount', 'robot');
    await ok('-n', 'shop', 'create', 'role', 'reader', '--verb=get,list', '--resource=configmaps');
    await ok(
      '-n',
      'shop',
      'create',
      'rolebinding',
      'robot-reads',
      '--role=reader',
      '--serviceaccount=shop:robot',
    );
    const token = await ok('-n', 'shop', 'create', 'token', 'robot', '--duration=10m');
    t.equal((await as(token, '-n', 'shop', 'get', 'configmap', 'kube-root-ca.crt')).code, 0);
    const list = await as(token, '-n', 'shop', 'auth', 'can-i', '--list');
    t.match(list.stdout, /configmaps +\[\] +\[\] +\[get list\]/);
    t.match(list.stdout, /selfsubjectaccessreviews/);
    t.match(list.stdout, /\[\/api\/\*\]/);
    const robot = '--as=system:serviceaccount:shop:robot';
    t.equal(await ok('-n', 'shop', 'auth', 'can-i', 'list', 'configmaps', robot), 'yes');
    t.equal((await cluster.kubectl('auth', 'can-i', 'delete', 'nodes', robot)).stdout.trim(), 'no');
    t.match((await cluster.kubectl('get', 'nodes', '--as=jane')).stderr, /User "jane" cannot list/);
    t.match(await ok('auth', 'whoami', '--as=jane', '--as-group=devs'), /devs/);
  });

  await t.test('the files of a Container are for who may edit', async (t) => {
    const made = await cluster.bay('create', '-n', 'shop', '--name', 'files', image, 'true');
    t.equal(made.code, 0, made.stderr);
    for (const [user, role] of Object.entries({ looker: 'view', worker: 'edit' })) {
      const words = [`--clusterrole=${role}`, `--user=${user}`];
      await ok('-n', 'shop', 'create', 'rolebinding', user, ...words);
    }
    const base = '/apis/bayplan.dev/v1alpha1/namespaces/shop/containers/files';
    const asked = (user: string, operation: string) =>
      cluster.kubectl(`--as=${user}`, 'get', '--raw', `${base}/${operation}`);
    for (const user of ['stranger', 'looker']) {
      const refusal = new RegExp(`User "${user}" cannot get resource "containers/changes"`);
      t.match((await asked(user, 'changes')).stderr, refusal);
      t.equal((await asked(user, 'archive?path=/etc/passwd')).code, 1);
    }
    t.match(await asked('worker', 'changes'), { code: 0, stdout: '[]' });
    t.match((await asked('worker', 'archive?path=/etc/passwd')).stdout, /root:x:0:0/);
    t.match((await asked('looker', 'inspect')).stdout, /"layers"/);
    t.equal((await asked('stranger', 'inspect')).code, 1);
    const own = ['--as', 'worker', '-n', 'shop', '--name', 'theirs'];
    const theirs = await cluster.bay('create', ...own, image, 'true');
    t.match(
      theirs,
      { code: 0, stderr: '' },
      'who may not ask the nodes for images makes it all the same',
    );
  });

  await t.test('nobody gives away more than they have', async (t) => {
    await ok('-n', 'shop', 'create', 'rolebinding', 'jane', '--clusterrole=admin', '--user=jane');
    await waitFor('the role admin to be filled', async () =>
      (await cluster.kubectl('-n', 'shop', 'auth', 'can-i', 'create', 'roles', '--as=jane'))
        .code === 0
        ? true
        : undefined,
    );
    const jane = (...args: string[]) => cluster.kubectl('-n', 'shop', '--as=jane', ...args);
    t.equal((await jane('create', 'role', 'r', '--verb=get', '--resource=pods')).code, 0);
    t.match(
      (await jane('create', 'role', 's', '--verb=*', '--resource=*.*')).stderr,
      /attempting to grant RBAC permissions not currently held/,
    );
    t.match(
      (await jane('create', 'rolebinding', 'b', '--clusterrole=cluster-admin', '--user=joe'))
        .stderr,
      /attempting to grant RBAC permissions not currently held/,
    );
    t.equal((await jane('create', 'rolebinding', 'c', '--clusterrole=view', '--user=joe')).code, 0);
    t.match(
      (await jane('create', 'clusterrole', 'x', '--verb=get', '--resource=pods')).stderr,
      /cannot create/,
    );
  });
});
