/** Images that are not on the node: pulled beside the work, as the policy and the pod's secrets say. */
import t from 'tap';
import * as types from '#api/resources/resource-types.ts';
import type { Event, Pod, Secret } from '#api/resources/types.ts';
import { ImageError } from '#node-agent/image/images.ts';
import { agentRig, eventually, podOf, type Rig } from '../agent-rig.ts';
import { busybox } from '../fake-images.ts';

const fromRegistry = { ...busybox, repoDigests: [`reg.io/app@${busybox.digest}`] };

const withImage = (name: string, image: string, more: object = {}) =>
  podOf(name, { containers: [{ name: 'main', image, ...more }] });
const waitingReason = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason;
const isRunning = (pod: Pod) => pod.status?.phase === 'Running';
const pulled = (rig: Rig) => rig.images.pulls.map(({ reference }) => reference);

async function messages(rig: Rig, reason: string): Promise<string[]> {
  const { items } = await rig.api.collection<Event>(types.events).list();
  return items.filter((event) => event.reason === reason).map(({ message }) => message ?? '');
}

t.test('a missing image is pulled, told in events, and the container started', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const held = Promise.withResolvers<typeof busybox>();
  rig.images.remote.set('reg.io/app', () => held.promise);
  await rig.create(withImage('web', 'reg.io/app'));
  await rig.until('web', (pod) => waitingReason(pod) === 'ContainerCreating');
  await eventually('the pull', () => pulled(rig).length === 1);
  await rig.create(withImage('other', 'busybox'));
  await rig.until('other', isRunning);
  t.equal(waitingReason(await rig.get('web')), 'ContainerCreating', 'no other pod waits for it');
  held.resolve(fromRegistry);
  await rig.until('web', isRunning);
  await eventually('the events', async () => (await messages(rig, 'Pulled')).length === 2);
  t.strictSame(await messages(rig, 'Pulling'), ['Pulling image "reg.io/app"']);
  t.match(
    (await messages(rig, 'Pulled')).find((text) => text.includes('reg.io')),
    /^Successfully pulled image "reg.io\/app" in \d+ms \(\d+ms including waiting\). Image size: 1000000 bytes\.$/,
  );
  t.strictSame(pulled(rig), ['reg.io/app']);
});

t.test('Always asks the registry at each start, but not for images that were loaded', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  rig.images.local.set('reg.io/app', fromRegistry);
  rig.images.remote.set('reg.io/app', async () => fromRegistry);
  rig.images.local.set('loaded', busybox);
  const always = { imagePullPolicy: 'Always' };
  await rig.create(withImage('loaded', 'loaded', always));
  await rig.create(withImage('present', 'reg.io/app', { imagePullPolicy: 'IfNotPresent' }));
  await rig.until('loaded', isRunning);
  await rig.until('present', isRunning);
  t.strictSame(pulled(rig), []);
  await rig.create(withImage('web', 'reg.io/app', always));
  const { metadata } = await rig.until('web', isRunning);
  t.strictSame(pulled(rig), ['reg.io/app']);
  const record = [...rig.runtime.containers.values()].find(
    ({ spec }) => spec.labels['io.kubernetes.pod.uid'] === metadata.uid,
  );
  rig.runtime.exit(record?.spec.id ?? '', 1);
  await rig.until('web', (pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
  t.strictSame(pulled(rig), ['reg.io/app', 'reg.io/app']);
});

t.test('a pull that fails is told and tried again later and later', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  await rig.create(withImage('web', 'reg.io/none'));
  const message = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.message;
  const first = await rig.until('web', (pod) => waitingReason(pod) === 'ErrImagePull');
  t.equal(message(first), 'pull reg.io/none: 404 Not Found');
  const retryAt = () => {
    const found = rig.pods.find('default', 'web');
    return found?.state.view(found.pod, 0).containers.get('main')?.waiting?.retryAt ?? 0;
  };
  const delays = [retryAt() - Date.now()];
  for (let i = 0; i < 6; i++) {
    const before = pulled(rig).length;
    rig.pods.retryAll();
    await eventually(
      'the next pull to fail',
      () => pulled(rig).length > before && retryAt() > Date.now(),
    );
    delays.push(retryAt() - Date.now());
  }
  t.strictSame(
    delays.map((ms) => Math.round(ms / 1000)),
    [10, 20, 40, 80, 160, 300, 300],
  );
  const later = await rig.until('web', (pod) => waitingReason(pod) === 'ImagePullBackOff');
  t.equal(message(later), 'Back-off pulling image "reg.io/none": pull reg.io/none: 404 Not Found');
  rig.images.remote.set('reg.io/none', async () => fromRegistry);
  rig.pods.retryAll();
  await rig.until('web', isRunning);
});

t.test('an image that a policy refuses is not started, present or not, and says why', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  rig.images.local.set('reg.io/app', fromRegistry);
  rig.images.trusted = false;
  rig.images.remote.set('reg.io/app', async () => {
    throw new ImageError('Untrusted', 'the ImagePolicy "p" wants it signed by ann: no signature');
  });
  await rig.create(withImage('web', 'reg.io/app'));
  await rig.create(withImage('never', 'reg.io/app', { imagePullPolicy: 'Never' }));
  const message = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.message;
  const untrusted = (pod: Pod) => waitingReason(pod) === 'SignatureValidationFailed';
  t.match(message(await rig.until('web', untrusted)), /the ImagePolicy "p" wants it signed by ann/);
  t.match(message(await rig.until('never', untrusted)), /its pull policy is Never/);
  t.strictSame(pulled(rig), ['reg.io/app']);
  rig.images.remote.set('reg.io/app', async () => fromRegistry);
  rig.pods.retryAll();
  await rig.until('web', isRunning);
});

t.test(
  'a pod that is deleted while its image comes goes at once, and the pull with it',
  async (t) => {
    const rig = await agentRig();
    t.teardown(() => rig.close());
    rig.images.remote.set('reg.io/app', () => new Promise(() => undefined));
    await rig.create(withImage('web', 'reg.io/app'));
    await eventually('the pull', () => pulled(rig).length === 1);
    await rig.world.pods.delete({ namespace: 'default', name: 'web' });
    await eventually(
      'the pod to go',
      async () => (await rig.get('web').catch(() => undefined)) === undefined,
    );
    t.equal(rig.images.pulls[0]?.options.signal?.aborted, true);
    t.strictSame(await messages(rig, 'Failed'), []);
  },
);

t.test('imagePullSecrets are read for the registry of the image alone', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64');
  const secret = (name: string, type: string, data: Record<string, string>) =>
    rig.api.collection<Secret>(types.secrets).create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: 'default' },
      type,
      data,
    });
  const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
  await secret('new', 'kubernetes.io/dockerconfigjson', {
    '.dockerconfigjson': base64({ auths: { 'reg.io': auth('ada:1'), 'other.io': auth('eve:2') } }),
  });
  await secret('old', 'kubernetes.io/dockercfg', {
    '.dockercfg': base64({ 'https://reg.io/v1/': auth('bob:3') }),
  });
  await secret('odd', 'Opaque', { key: 'AA==' });
  rig.images.remote.set('reg.io/app', async () => fromRegistry);
  const names = ['new', 'old', 'odd', 'absent'];
  await rig.create(
    podOf('web', {
      containers: [{ name: 'main', image: 'reg.io/app' }],
      imagePullSecrets: names.map((name) => ({ name })),
    }),
  );
  await rig.until('web', isRunning);
  t.strictSame(rig.images.pulls[0]?.options.credentials, [
    { username: 'ada', password: '1' },
    { username: 'bob', password: '3' },
  ]);
  await eventually(
    'the event',
    async () => (await messages(rig, 'FailedToRetrieveImagePullSecret')).length === 1,
  );
  t.match(await messages(rig, 'FailedToRetrieveImagePullSecret'), [/\(odd, absent\)/]);
});
