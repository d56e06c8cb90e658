/** Whom a container runs as, what it may, hooks of its life and what it is given, on a real node. */
import { image, shell, startRealRig } from './real-rig.ts';

const { rig, test } = await startRealRig();
const out = async (script: string, securityContext: object, spec: object = {}) =>
  (await rig.ended({ ...shell(script), securityContext }, spec)).logs;

test('Security Context When creating a container with runAsUser should run the container with uid 65534', async (t) => {
  t.equal(await out('id -u', { runAsUser: 65534 }), '65534\n');
});
test('Security Context When creating a pod with privileged should run the container as unprivileged when false', async (t) => {
  const script = 'ip link add dummy0 type dummy || true';
  t.match(await out(script, { privileged: false }), /Operation not permitted/);
});
test('Security Context When creating a pod with readOnlyRootFilesystem should run the container with writable rootfs when readOnlyRootFilesystem=false', async (t) => {
  t.equal(
    await out('echo x >/checkfile && cat /checkfile', { readOnlyRootFilesystem: false }),
    'x\n',
  );
});
test('Security Context when creating containers with AllowPrivilegeEscalation should not allow privilege escalation when false', async (t) => {
  const context = { allowPrivilegeEscalation: false, runAsUser: 1000 };
  t.equal(await out('grep NoNewPrivs /proc/self/status; id -u', context), 'NoNewPrivs:\t1\n1000\n');
});
const ids = 'id -u; id -g';
test('Security Context should support container.SecurityContext.RunAsUser And container.SecurityContext.RunAsGroup', async (t) => {
  t.equal(await out(ids, { runAsUser: 1001, runAsGroup: 2002 }), '1001\n2002\n');
});
test('Security Context should support pod.Spec.SecurityContext.RunAsUser And pod.Spec.SecurityContext.RunAsGroup', async (t) => {
  const securityContext = { runAsUser: 1001, runAsGroup: 2002 };
  t.equal(await out(ids, {}, { securityContext }), '1001\n2002\n');
});
test('Sysctls should support sysctls', async (t) => {
  const sysctls = [{ name: 'kernel.shm_rmid_forced', value: '1' }];
  const text = await out(
    'cat /proc/sys/kernel/shm_rmid_forced',
    {},
    { securityContext: { sysctls } },
  );
  t.equal(text, '1\n');
});

/** A pod that writes the path of each request it gets. */
const server = shell(
  'cd /tmp; touch poststart-exec poststart-http prestop-exec prestop-http killed; exec httpd -f -vv -p 8080 -h /tmp',
);
const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1, timeoutSeconds: 20 };
const listener = rig.make({ ...server, readinessProbe }).then((name) => rig.ready(name));
const hook = 'Container Lifecycle Hook when create a pod with lifecycle hook should execute';
for (const [when, field] of [
  ['poststart', 'postStart'],
  ['prestop', 'preStop'],
] as const)
  for (const how of ['exec', 'http'] as const)
    test(`${hook} ${when} ${how} hook properly`, async (t) => {
      const { status, metadata } = await listener;
      const path = `/${when}-${how}`;
      const action =
        how === 'exec'
          ? { exec: { command: ['wget', '-qO-', `http://${status?.podIP}:8080${path}`] } }
          : { httpGet: { host: status?.podIP, port: 8080, path } };
      const pod = await rig.make(
        { ...shell('sleep 1000'), lifecycle: { [field]: action } },
        { terminationGracePeriodSeconds: 10 },
      );
      await rig.ready(pod);
      const heard = new RegExp(`url:/${when}-${how}`);
      if (when === 'prestop') {
        t.notMatch(await rig.logs(metadata.name), heard);
        await rig.request('DELETE', `${rig.path('pods', pod)}?gracePeriodSeconds=5`);
      }
      t.match(await rig.written(metadata.name, heard), heard);
    });

test('PreStop should call prestop when killing a pod', async (t) => {
  const { status, metadata } = await listener;
  const command = ['wget', '-qO-', `http://${status?.podIP}:8080/killed`];
  const pod = await rig.make({
    ...shell('sleep 1000'),
    lifecycle: { preStop: { exec: { command } } },
  });
  await rig.ready(pod);
  await rig.request('DELETE', `${rig.path('pods', pod)}?gracePeriodSeconds=15`);
  t.match(await rig.written(metadata.name, /url:.killed/), /url:.killed/);
});

test('Pods should get a host IP', async (t) => {
  const { status } = await rig.ready(await rig.make(shell('sleep 1000')));
  t.match(status, { hostIP: /^\d+\.\d+\.\d+\.\d+$/, hostIPs: [{ ip: status?.hostIP }] });
});
test('Pods should contain environment variables for services', async (t) => {
  const ports = [{ port: 8765, targetPort: 8080 }];
  const metadata = { name: 'fooservice' };
  const { spec } = await rig.request('POST', rig.path('services'), { metadata, spec: { ports } });
  const { logs } = await rig.ended(shell('env | grep ^FOOSERVICE | sort'));
  const ip = spec.clusterIP;
  t.strictSame(logs.trim().split('\n'), [
    `FOOSERVICE_PORT=tcp://${ip}:8765`,
    `FOOSERVICE_PORT_8765_TCP=tcp://${ip}:8765`,
    `FOOSERVICE_PORT_8765_TCP_ADDR=${ip}`,
    'FOOSERVICE_PORT_8765_TCP_PORT=8765',
    'FOOSERVICE_PORT_8765_TCP_PROTO=tcp',
    `FOOSERVICE_SERVICE_HOST=${ip}`,
    'FOOSERVICE_SERVICE_PORT=8765',
  ]);
});

test('Job should run a job to completion when tasks sometimes fail and are locally restarted', async (t) => {
  const name = rig.name('job');
  const path = '/apis/batch/v1/namespaces/default/jobs';
  const script = 'test -e /data/foo && exit 0; touch /data/foo; exit 1';
  const volumeMounts = [{ name: 'data', mountPath: '/data' }];
  const template = {
    spec: {
      restartPolicy: 'OnFailure',
      containers: [{ name: 'c', image, ...shell(script), volumeMounts }],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  };
  const spec = { parallelism: 2, completions: 4, backoffLimit: 6, template };
  await rig.request('POST', path, { metadata: { name }, spec });
  const { status } = await rig.until(`${path}/${name}`, 'complete', (job) =>
    (job.status?.conditions ?? []).some((one: { type: string }) => one.type === 'Complete'),
  );
  t.match(status, { succeeded: 4, failed: undefined });
  const { items } = await rig.request('GET', `${rig.path('pods')}?labelSelector=job-name=${name}`);
  t.strictSame(
    items.map(
      (pod: { status: { containerStatuses: [{ restartCount: number }] } }) =>
        pod.status.containerStatuses[0].restartCount,
    ),
    [1, 1, 1, 1],
  );
});

const token = '/var/run/secrets/kubernetes.io/serviceaccount';
test('ServiceAccounts should mount an API token into pods', async (t) => {
  const metadata = { name: rig.name('account') };
  await rig.request('POST', rig.path('serviceaccounts'), { metadata });
  const script = `cat ${token}/namespace; echo; head -1 ${token}/ca.crt; cat ${token}/token`;
  const { logs } = await rig.ended(shell(script), { serviceAccountName: metadata.name });
  const [namespace, ca, text = ''] = logs.split('\n');
  t.strictSame([namespace, ca], ['default', '-----BEGIN CERTIFICATE-----']);
  const review = { spec: { token: text } };
  const { status } = await rig.request(
    'POST',
    '/apis/authentication.k8s.io/v1/tokenreviews',
    review,
  );
  t.match(status, {
    authenticated: true,
    user: { username: `system:serviceaccount:default:${metadata.name}` },
  });
});
test('ServiceAccounts should mount projected service account token', async (t) => {
  const source = {
    serviceAccountToken: { path: 'token', expirationSeconds: 7200, audience: 'vault' },
  };
  const { logs } = await rig.ended(
    { ...shell('cat /t/token'), volumeMounts: [{ name: 'v', mountPath: '/t' }] },
    { volumes: [{ name: 'v', projected: { sources: [source] } }] },
  );
  const claims = JSON.parse(Buffer.from(logs.split('.')[1] ?? '', 'base64url').toString());
  t.match(claims, { aud: ['vault'], 'kubernetes.io': { serviceaccount: { name: 'default' } } });
  t.equal(claims.exp - claims.iat, 7200);
});
test('ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace', async (t) => {
  // One of its own: pods of other tests mount the one of `default`.
  const namespace = rig.name('space');
  await rig.request('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  const path = rig.path('configmaps', 'kube-root-ca.crt', namespace);
  const there = (uid: string) => async () => {
    const found = await rig.request('GET', path).catch(() => undefined);
    return found !== undefined && found.metadata.uid !== uid ? found : undefined;
  };
  const first = await rig.wait('the first', there(''));
  t.match(first.data['ca.crt'], /^-----BEGIN CERTIFICATE-----/);
  await rig.request('DELETE', path);
  const made = await rig.wait('another', there(first.metadata.uid));
  t.strictSame(made.data, first.data);
  await rig.change(path, (map) => {
    map.data = { 'ca.crt': '' };
  });
  const back = await rig.until(path, 'as it was', ({ data }) => data['ca.crt'] !== '');
  t.strictSame(back.data, first.data);
});
