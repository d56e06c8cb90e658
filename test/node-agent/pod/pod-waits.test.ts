import t from 'tap';
import { StartError } from '#node-agent/container/runtime.ts';
import { agentRig, eventually, podOf } from '../agent-rig.ts';
import { busybox } from '../fake-images.ts';

t.test('a pod whose image is missing says so, and runs once it is loaded', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const withImage = (name: string, imagePullPolicy: string) =>
    podOf(name, { containers: [{ name: 'main', image: 'mine', imagePullPolicy }] });
  await rig.create(withImage('never', 'Never'));
  await rig.create(withImage('web', 'IfNotPresent'));
  await rig.create(podOf('bad', { containers: [{ name: 'main', image: 'Not An Image' }] }));
  const reason = (name: string, wanted: string) =>
    rig.until(name, (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === wanted);
  await reason('never', 'ErrImageNeverPull');
  await reason('bad', 'InvalidImageName');
  await reason('web', 'ErrImagePull');
  rig.pods.retryAll();
  await reason('web', 'ImagePullBackOff');
  rig.images.local.set('mine', busybox);
  rig.pods.retryAll();
  await rig.until('web', (pod) => pod.status?.phase === 'Running');
});

t.test('a command that does not exist is a StartError with its exit code', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  rig.runtime.startFailure = () => new StartError('exec "x": not found in $PATH', 127);
  await rig.create(podOf('web', { restartPolicy: 'Never' }));
  const terminated = {
    exitCode: 127,
    reason: 'StartError',
    message: 'exec "x": not found in $PATH',
  };
  const failed = await rig.until('web', (pod) => pod.status?.phase === 'Failed');
  t.match(failed.status?.containerStatuses?.[0]?.state, { terminated });
  await rig.restart();
  await eventually('the reason to be known again', () => {
    const [attempt] = rig.pods.find('default', 'web')?.state.allAttempts() ?? [];
    return attempt?.reason === 'StartError' && attempt.message === terminated.message;
  });
});

t.test('init containers run one after the other before the apps', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const named = (name: string) => ({ name, image: 'busybox' });
  await rig.create(
    podOf('web', { initContainers: [named('one'), named('two')], containers: [named('app')] }),
  );
  const names = () =>
    rig.runtime.started.map((spec) => spec.labels['io.kubernetes.container.name']);
  await eventually('the first', () => names().join() === 'one');
  const pending = await rig.until('web', (pod) => pod.status?.containerStatuses !== undefined);
  t.match(pending.status, {
    phase: 'Pending',
    containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
    conditions: [
      {},
      { type: 'Initialized', status: 'False', message: /incomplete status: \[one two\]/ },
    ],
  });
  rig.runtime.exit(rig.runtime.latest('one')?.spec.id ?? '', 0);
  await eventually('the second', () => names().join() === 'one,two');
  rig.runtime.exit(rig.runtime.latest('two')?.spec.id ?? '', 0);
  await rig.until('web', (pod) => pod.status?.phase === 'Running');
  t.strictSame(names(), ['one', 'two', 'app']);
});

t.test('a status that somebody overwrote is written again; theirs is kept', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(podOf('web'));
  await rig.until('web', (pod) => pod.status?.phase === 'Running');
  const conditions = [
    { type: 'Ready', status: 'False' },
    { type: 'example.com/gate', status: 'True' },
  ];
  const ref = { namespace: 'default', name: 'web' };
  await rig.world.pods.patchStatus(ref, { status: { conditions } }, 'strategic');
  const again = await rig.until(
    'web',
    (pod) => pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True',
  );
  t.ok(again.status?.conditions?.some(({ type }) => type === 'example.com/gate'));
  const before = rig.api.requests.length;
  rig.pods.retryAll();
  await new Promise(setImmediate);
  t.strictSame(rig.api.requests.slice(before), [], 'and then nothing more');
});
