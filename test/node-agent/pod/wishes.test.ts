/** What Container documents want of containers that run. */
import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { containers } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { wishActions } from '#node-agent/pod/plan-wish.ts';
import type { PodView } from '#node-agent/pod/view.ts';
import { asWished, limitsToChange, wishOf } from '#node-agent/pod/wishes.ts';
import { agentRig, eventually, podOf } from '../agent-rig.ts';

const document = (spec: object, generation = 1): ApiObject =>
  ({
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    metadata: { name: 'web', namespace: 'default', uid: 'c', generation },
    spec: { image: 'busybox', ...spec },
  }) as ApiObject;

t.test('a document is read as limits; what it does not say is no limit', async (t) => {
  const none = wishOf(document({}));
  t.strictSame(limitsToChange(none.limits, { cpu: { shares: 2 } }), undefined);
  const resources = { cpu: '0.5', memory: '64Mi', cpuShares: 512, pids: 20 };
  const some = wishOf(document({ resources, restartPolicy: 'always', state: 'Paused' }, 3));
  t.match(some, { generation: 3, paused: true, restartPolicy: 'Always' });
  t.strictSame(limitsToChange(some.limits, {}), {
    cpu: { shares: 512, quota: 50_000, period: 100_000 },
    memory: { limit: 64 << 20, reservation: -1 },
    pids: { limit: 20 },
  });
  t.strictSame(limitsToChange(some.limits, { ...some.limits, pids: { limit: 30 } }), {
    pids: { limit: 20 },
  });
  t.strictSame(limitsToChange(none.limits, { memory: { limit: 1 << 20 } }), {
    memory: { limit: -1, reservation: -1 },
  });
});

t.test('the restart policy is the document’s, whatever the Pod was made with', async (t) => {
  const pod = podOf('web', { restartPolicy: 'Never' });
  const always = wishOf(document({ restartPolicy: 'always' }));
  t.equal(asWished(pod, always).spec?.restartPolicy, 'Always');
  t.equal(asWished(pod, wishOf(document({}))), pod);
  t.equal(asWished(pod, undefined), pod);
});

const view = (fields: Partial<PodView>, paused = false): PodView => ({
  uid: 'u',
  now: 0,
  acknowledgedAt: 0,
  sandboxReady: true,
  ready: true,
  standing: true,
  released: false,
  containers: new Map([
    [
      'main',
      {
        attempts: [
          {
            id: 'i',
            container: 'main',
            attempt: 0,
            restartDelayMs: 0,
            imageId: '',
            state: { phase: 'running', pid: 1, startedAt: '', ...(paused ? { paused } : {}) },
          },
        ],
      },
    ],
  ]),
  ...fields,
});
const wish = (paused: boolean) => wishOf(document(paused ? { state: 'Paused' } : {}, 2));
const types = (of: PodView) => wishActions(of).map(({ type }) => type);

t.test('what stands otherwise than wanted is changed', async (t) => {
  const done = { limited: 'i 2' };
  t.strictSame(types(view({ wish: wish(true), ...done })), ['pause']);
  t.strictSame(types(view({ wish: wish(true), ...done }, true)), []);
  t.strictSame(types(view({ wish: wish(false), ...done }, true)), ['resume']);
  t.strictSame(types(view({ wish: wish(false), limited: 'i 1' })), ['limit']);
  t.strictSame(types(view({ wish: 'unknown' }, true)), [], 'nobody knows what is wanted');
  t.strictSame(types(view({ wish: wish(false), held: true, ...done }, true)), []);
  t.strictSame(types(view({}, true)), ['resume'], 'left frozen by an agent that was killed');
});

t.test('a running container is frozen, limited and let go on as its document says', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const all = rig.api.collection<ApiObject>(containers);
  const made = await all.create({
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    metadata: { name: 'web', namespace: 'default' },
    spec: { image: 'busybox', state: 'Running' },
  } as ApiObject);
  const owner = {
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    name: 'web',
    uid: made.metadata.uid ?? '',
    controller: true,
  };
  const pod = podOf('web', { restartPolicy: 'Never' });
  await rig.create({ ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } });
  await rig.until('web', (one) => one.status?.phase === 'Running');
  const change = (spec: object) =>
    all.patch({ namespace: 'default', name: 'web' }, { spec }, 'merge');
  const condition = (one: Pod, type: string) =>
    one.status?.conditions?.find((each) => each.type === `bayplan.dev/${type}`);
  const state = () => rig.runtime.latest('main')?.state;

  await change({ state: 'Paused' });
  await rig.until('web', (one) => condition(one, 'Paused')?.status === 'True');
  t.match(state(), { phase: 'running', paused: true });
  await rig.restart();
  t.match(state(), { paused: true }, 'another agent keeps it frozen');
  await change({ state: 'Running', resources: { memory: '32Mi' } });
  await rig.until('web', (one) => condition(one, 'Paused')?.status === 'False');
  await eventually('its limit', () => {
    return rig.runtime.latest('main')?.spec.resources.memory?.limit === 32 << 20;
  });
  await rig.until('web', (one) => condition(one, 'Limited')?.status === 'True');
  t.notMatch(state(), { paused: true });
});
