/** Containers that are added to a pod that runs, and `kubectl debug`, on a real node. */
import t from 'tap';
import { waitFor } from '../support/cluster.ts';
import { image, shell, startRealRig } from './real-rig.ts';

const { rig, test } = await startRealRig();
const { cluster } = rig;
// One after the other: the last kills the agent that all need.
t.jobs = 1;

const add = (pod: string, container: object) =>
  rig.change(`${rig.path('pods', pod)}/ephemeralcontainers`, ({ spec }) => {
    spec.ephemeralContainers = [...(spec.ephemeralContainers ?? []), { image, ...container }];
  });

/** Waits until the pod's ephemeral container is in that state. */
const inState = async (pod: string, name: string, state: 'running' | 'terminated' | 'waiting') => {
  const found = await rig.pod(pod, `${name} ${state}`, ({ status }) =>
    (status?.ephemeralContainerStatuses ?? []).some(
      (one) => one.name === name && one.state?.[state] !== undefined,
    ),
  );
  const all = found.status?.ephemeralContainerStatuses ?? [];
  return { pod: found, status: all.find((one) => one.name === name) };
};

const sleeper = shell('sleep 1000');
const polo = shell('while true; do echo polo; sleep 2; done');
const readyPod = async (spec: object = {}) => {
  const pod = await rig.make(sleeper, spec);
  await rig.ready(pod);
  return pod;
};

test('Ephemeral Containers [NodeConformance] will start an ephemeral container in an existing pod', async (t) => {
  const pod = await readyPod();
  await add(pod, { name: 'debugger', ...polo });
  const { pod: seen, status } = await inState(pod, 'debugger', 'running');
  t.match(status, { restartCount: 0, ready: false, image });
  t.match(seen.status, { phase: 'Running', containerStatuses: [{ restartCount: 0, ready: true }] });
  t.match(await rig.written(pod, /polo/, 'debugger'), /^polo\n/);
});

test('Ephemeral Containers [NodeConformance] should update the ephemeral containers in an existing pod', async (t) => {
  const pod = await readyPod();
  await add(pod, { name: 'debugger1', ...polo });
  await inState(pod, 'debugger1', 'running');
  await add(pod, { name: 'debugger2', ...polo });
  const { pod: seen } = await inState(pod, 'debugger2', 'running');
  const names = seen.spec?.ephemeralContainers?.map(({ name }) => name);
  t.strictSame(names, ['debugger1', 'debugger2']);
  t.match(seen.status?.ephemeralContainerStatuses, [{ restartCount: 0 }, { restartCount: 0 }]);
  t.match(await rig.written(pod, /polo/, 'debugger2'), /^polo\n/);
});

test('an ephemeral container ends without consequences and is never started again', async (t) => {
  const pod = await readyPod({ restartPolicy: 'Always' });
  await add(pod, { name: 'once', ...shell('echo gone >/dev/termination-log; exit 7') });
  const { pod: seen, status } = await inState(pod, 'once', 'terminated');
  t.match(status, {
    restartCount: 0,
    state: { terminated: { exitCode: 7, reason: 'Error', message: 'gone\n' } },
  });
  t.match(seen.status, { phase: 'Running', containerStatuses: [{ ready: true }] });
  await add(pod, { name: 'later', ...sleeper });
  const { pod: after } = await inState(pod, 'later', 'running');
  t.match(after.status?.ephemeralContainerStatuses?.[0], { containerID: status?.containerID });
});

test('what it is given: volumes, variables, a user, the processes of its target', async (t) => {
  const volumes = [{ name: 'data', emptyDir: {} }];
  const pod = await readyPod({ volumes });
  const look =
    'echo $WHO $(id -u) >/data/told; cat /data/told; ps | grep "sleep 100[0]"; ls -d /proc/1/root/bin; sleep 900';
  await add(pod, {
    name: 'looker',
    ...shell(look),
    env: [{ name: 'WHO', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
    targetContainerName: 'main',
  });
  t.match(
    await rig.written(pod, /bin\n$/, 'looker'),
    new RegExp(`^${pod} 0\\n *1 .*sleep 1000\n/proc/1/root/bin\\n$`),
  );
  await add(pod, { name: 'alone', ...shell('id -u; ps'), securityContext: { runAsUser: 1001 } });
  await inState(pod, 'alone', 'terminated');
  const alone = await rig.logs(pod, 'alone');
  t.match(alone, /^1001\n/);
  t.notMatch(alone, /sleep 1000/);
});

test('it starts beside init containers; one whose target does not run says so', async (t) => {
  const first = { name: 'first', image, ...sleeper };
  const pod = await rig.make(sleeper, { initContainers: [first] });
  await rig.pod(pod, 'initializing', ({ status }) =>
    (status?.initContainerStatuses ?? []).some(({ state }) => state?.running !== undefined),
  );
  await add(pod, { name: 'early', ...sleeper });
  await add(pod, { name: 'aiming', ...sleeper, targetContainerName: 'main' });
  const { pod: seen } = await inState(pod, 'early', 'running');
  t.equal(seen.status?.phase, 'Pending');
  const { status } = await inState(pod, 'aiming', 'waiting');
  const told = await rig.pod(pod, 'aiming told', (one) =>
    (one.status?.ephemeralContainerStatuses ?? []).some(
      ({ state }) => state?.waiting?.reason === 'CreateContainerConfigError',
    ),
  );
  t.ok(status);
  t.match(told.status?.ephemeralContainerStatuses?.[1]?.state?.waiting, {
    message: /unable to find target container "main"/,
  });
});

test('kubectl debug, attach, exec and logs', async (t) => {
  const pod = await readyPod();
  const talk = 'echo hello; read line; echo got $line; ps | grep -c "sleep 100[0]"; exit 0';
  const options = ['-c', 'talk', `--image=${image}`, '--image-pull-policy=IfNotPresent'];
  const debug = ['debug', '-i', pod, ...options, '--target=main', '--', 'sh', '-c', talk];
  const { stdout, stderr } = await cluster.kubectlInput('typed\n', ...debug);
  t.match(stdout, /got typed\n1\n$/, stderr);
  t.match(await rig.logs(pod, 'talk'), /^hello\ngot typed\n1\n$/);

  await cluster.kubectl('debug', pod, '-it', '--attach=false', '-c', 'shell', `--image=${image}`);
  await inState(pod, 'shell', 'running');
  t.match(await rig.exec(pod, 'tty; cat /proc/1/comm', 'shell'), /sh\n$/);
  const attach = ['attach', '-i', pod, '-c', 'shell'];
  const attached = await cluster.kubectlInput('echo $((40 + 2)); exit\n', ...attach);
  t.match(attached.stdout, /\b42\r?\n/, attached.stderr);
  const { status } = await inState(pod, 'shell', 'terminated');
  t.match(status?.state?.terminated, { exitCode: 0, reason: 'Completed' });
  // Events come beside the work.
  const described = await rig.wait('the event', async () => {
    const { stdout: text } = await cluster.kubectl('describe', 'pod', pod);
    return /Started .*Container started: shell/.test(text) ? text : undefined;
  });
  t.match(described, /Ephemeral Containers:\n {2}talk:/);
});

test('an agent that is killed finds it again, and it goes with its pod', async (t) => {
  const volumes = [{ name: 'data', emptyDir: {} }];
  const pod = await readyPod({ volumes });
  const volumeMounts = [{ name: 'data', mountPath: '/data' }];
  const tell = shell('echo started >>/data/starts; cat /data/starts; sleep 1000');
  await add(pod, { name: 'long', ...tell, volumeMounts });
  await add(pod, { name: 'short', ...tell, volumeMounts, command: ['true'] });
  const { status } = await inState(pod, 'long', 'running');
  await inState(pod, 'short', 'terminated');
  const before = cluster.state()?.parts['agent'] ?? 0;
  process.kill(before, 'SIGKILL');
  await waitFor('another agent', () =>
    (cluster.state()?.parts['agent'] ?? before) === before ? undefined : true,
  );
  await add(pod, { name: 'next', ...sleeper });
  const { pod: seen } = await inState(pod, 'next', 'running');
  t.match(seen.status?.ephemeralContainerStatuses, [
    { name: 'long', containerID: status?.containerID, restartCount: 0, state: { running: {} } },
    { name: 'short', restartCount: 0, state: { terminated: { exitCode: 0 } } },
    { name: 'next' },
  ]);
  t.equal(await rig.logs(pod, 'long'), 'started\n');
  await rig.request('DELETE', rig.path('pods', pod));
  await rig.wait(`${pod} to go`, async () =>
    (await cluster.kubectl('get', 'pod', pod)).code === 0 ? undefined : true,
  );
});
