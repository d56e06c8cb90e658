/** What runs in a container and how it ends, on a real node. */
import { image, shell, startRealRig, type Tap } from './real-rig.ts';

const { rig, test } = await startRealRig();

/** An image of which command and arguments are known. */
const container = rig.cluster.bay('run', '--name', 'maker', image, 'true');
const made = container.then(() =>
  rig.cluster.bay(
    'commit',
    '-c',
    'ENTRYPOINT ["echo", "entrypoint"]',
    '-c',
    'CMD ["default", "arguments"]',
    'maker',
    'bayplan.local/entry:1',
  ),
);
for (const [title, fields, text] of [
  ['use the image defaults if command and args are blank', {}, 'entrypoint default arguments\n'],
  [
    "be able to override the image's default arguments (container cmd)",
    { args: ['override', 'arguments'] },
    'entrypoint override arguments\n',
  ],
  [
    "be able to override the image's default command (container entrypoint)",
    { command: ['echo', 'override'] },
    'override\n',
  ],
  [
    "be able to override the image's default command and arguments",
    { command: ['echo', 'override'], args: ['both', 'of'] },
    'override both of\n',
  ],
] as const)
  test(`Containers should ${title}`, async (t) => {
    const { code, stderr } = await made;
    t.equal(code, 0, stderr);
    const ours = { image: 'bayplan.local/entry:1', imagePullPolicy: 'IfNotPresent' };
    t.equal((await rig.ended({ ...ours, ...fields })).logs, text);
  });

test('Container Runtime blackbox test when starting a container that exits should run with the expected status', async (t) => {
  for (const [restartPolicy, phase, state, count] of [
    ['Always', 'Running', 'running', 2],
    ['OnFailure', 'Succeeded', 'terminated', 1],
    ['Never', 'Failed', 'terminated', 0],
  ] as const) {
    /** Fails the first time; then ends well, or lasts. */
    const then = restartPolicy === 'Always' ? 'test $n -lt 2 && exit 0; sleep 1000' : 'exit 0';
    const script = `n=$(cat /v/n 2>/dev/null || echo 0); echo $((n + 1)) >/v/n; test $n = 0 && exit 1; ${then}`;
    const pod = await rig.make(
      { ...shell(script), volumeMounts: [{ name: 'v', mountPath: '/v' }] },
      { restartPolicy, volumes: [{ name: 'v', emptyDir: {} }] },
    );
    const found = await rig.pod(pod, `${phase} after ${count}`, ({ status }) => {
      const [one] = status?.containerStatuses ?? [];
      return (
        status?.phase === phase && one?.restartCount === count && one.state?.[state] !== undefined
      );
    });
    t.equal(found.status?.containerStatuses?.[0]?.ready, restartPolicy === 'Always');
  }
});

const terminated = 'Container Runtime blackbox test on terminated container should report';
const fallback = { terminationMessagePolicy: 'FallbackToLogsOnError' };
for (const [title, script, main, phase, message] of [
  [
    'termination message if TerminationMessagePath is set as non-root user and at a non-default path',
    'echo -n DONE > /dev/termination-custom-log',
    {
      terminationMessagePath: '/dev/termination-custom-log',
      securityContext: { runAsUser: 1000 },
    },
    'Succeeded',
    'DONE',
  ],
  [
    'termination message from log output if TerminationMessagePolicy FallbackToLogsOnError is set',
    'echo -n DONE; exit 1',
    fallback,
    'Failed',
    'DONE',
  ],
  [
    'termination message as empty when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set',
    'echo -n DONE',
    fallback,
    'Succeeded',
    undefined,
  ],
  [
    'termination message from file when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set',
    'echo DONE; echo -n OK > /dev/termination-log',
    fallback,
    'Succeeded',
    'OK',
  ],
] as const)
  test(`${terminated} ${title}`, async (t) => {
    const { pod } = await rig.ended({ ...shell(script), ...main });
    const state = pod.status?.containerStatuses?.[0]?.state;
    t.strictSame([pod.status?.phase, state?.terminated?.message], [phase, message]);
  });

const inits = (...scripts: string[]) =>
  scripts.map((script, index) => ({ name: `init${index + 1}`, image, ...shell(script) }));
const initialized = (pod: { status?: { conditions?: readonly { type: string }[] } }) =>
  pod.status?.conditions?.find(({ type }) => type === 'Initialized');

test('InitContainer should invoke init containers on a RestartNever pod', async (t) => {
  const { pod } = await rig.ended(shell('true'), { initContainers: inits('true', 'true') });
  t.equal(pod.status?.phase, 'Succeeded');
  t.match(initialized(pod), { status: 'True' });
  t.match(pod.status?.initContainerStatuses, [
    { name: 'init1', ready: true, state: { terminated: { exitCode: 0 } } },
    { name: 'init2', ready: true, state: { terminated: { exitCode: 0 } } },
  ]);
});
test('InitContainer should invoke init containers on a RestartAlways pod', async (t) => {
  const name = await rig.make(shell('sleep 1000'), {
    restartPolicy: 'Always',
    initContainers: inits('true', 'true'),
  });
  const pod = await rig.ready(name);
  t.match(initialized(pod), { status: 'True' });
  t.match(pod.status?.initContainerStatuses, Array(2).fill({ ready: true, restartCount: 0 }));
});
test('InitContainer should not start app containers if init containers fail on a RestartAlways pod', async (t) => {
  const name = await rig.make(shell('true'), {
    restartPolicy: 'Always',
    initContainers: inits('exit 3', 'true'),
  });
  const pod = await rig.pod(
    name,
    'begun again',
    ({ status }) => (status?.initContainerStatuses?.[0]?.restartCount ?? 0) >= 2,
  );
  t.equal(pod.status?.phase, 'Pending');
  t.match(initialized(pod), {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: 'containers with incomplete status: [init1 init2]',
  });
  t.match(pod.status?.initContainerStatuses?.[1]?.state, {
    waiting: { reason: 'PodInitializing' },
  });
  t.match(pod.status?.containerStatuses?.[0], {
    started: false,
    state: { waiting: { reason: 'PodInitializing' } },
  });
});
test('InitContainer should not start app containers and fail the pod if init containers fail on a RestartNever pod', async (t) => {
  const { pod } = await rig
    .make(shell('true'), { initContainers: inits('true', 'exit 3') })
    .then((name) => rig.pod(name, 'failed', ({ status }) => status?.phase === 'Failed'))
    .then((pod) => ({ pod }));
  t.match(pod.status?.initContainerStatuses, [
    { state: { terminated: { exitCode: 0 } } },
    { state: { terminated: { exitCode: 3 } } },
  ]);
  t.match(initialized(pod), {
    status: 'False',
    message: 'containers with incomplete status: [init2]',
  });
  t.match(pod.status?.containerStatuses?.[0]?.state, { waiting: { reason: 'PodInitializing' } });
});

test('Kubelet when scheduling a busybox command in a pod should print the output to logs', async (t) => {
  t.equal((await rig.ended(shell("echo 'Hello World'"))).logs, 'Hello World\n');
});
const failing = () => rig.make({ command: ['/bin/false'] });
test('Kubelet when scheduling a busybox command that always fails in a pod should have an terminated reason', async (t) => {
  const { status } = await rig.pod(
    await failing(),
    'ended',
    ({ status }) => status?.phase === 'Failed',
  );
  t.match(status?.containerStatuses?.[0]?.state?.terminated, { exitCode: 1, reason: 'Error' });
});
test('Kubelet when scheduling a busybox command that always fails in a pod should be possible to delete', async (t) => {
  const path = rig.path('pods', await failing());
  await rig.request('DELETE', path);
  await gone(t, path);
});
const gone = async (t: Tap, path: string) => {
  for (;;) {
    const code = await rig.request('GET', path).then(
      () => 200,
      ({ code }) => code,
    );
    if (code !== 200) return t.equal(code, 404);
  }
};
test('Kubelet when scheduling a read only busybox container should not write to root filesystem', async (t) => {
  const securityContext = { readOnlyRootFilesystem: true };
  const { logs } = await rig.ended({ ...shell('echo test > /file; cat /file'), securityContext });
  t.match(logs, /can't create \/file: Read-only file system/);
});
test('Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts', async (t) => {
  const hostAliases = [{ ip: '123.45.67.89', hostnames: ['foo', 'bar'] }];
  const { logs } = await rig.ended(shell('cat /etc/hosts'), { hostAliases });
  t.match(logs, /^# Kubernetes-managed hosts file\.\n/);
  t.match(logs, /^123\.45\.67\.89\tfoo\tbar$/m);
});

test('KubeletManagedEtcHosts should test kubelet managed /etc/hosts file', async (t) => {
  const script = shell('cat /etc/hosts');
  const own = { name: 'own', image, ...script };
  const volumes = [{ name: 'hosts', hostPath: { path: '/etc/hosts', type: 'File' } }];
  const volumeMounts = [{ name: 'hosts', mountPath: '/etc/hosts' }];
  const containers = [own, { ...own, name: 'mounted', volumeMounts }];
  const { pod, logs } = await rig.ended({}, { containers, volumes });
  t.match(logs, /^# Kubernetes-managed hosts file\.\n/);
  t.notMatch(await rig.logs(pod.metadata.name, 'mounted'), /Kubernetes-managed/);
  const host = await rig.ended(script, { hostNetwork: true });
  t.match(host.logs, /^# Kubernetes-managed hosts file \(host network\)\.\n/);
});
