/** What the node tells about itself: kubelet's events, once each time something changes. */
import t from 'tap';
import { events } from '#api/resources/resource-types.ts';
import type { Event } from '#api/resources/types.ts';
import { silent } from '#controller/runtime/log.ts';
import { readFacts } from '#node-agent/node/facts.ts';
import { NodeEvents } from '#node-agent/node/node-events.ts';
import { Registration } from '#node-agent/node/registration.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';
import { eventually } from '../agent-rig.ts';

const identity = {
  nodeName: 'n1',
  address: '192.0.2.1',
  port: 10250,
  podCidr: '10.244.0.0/24',
  labels: {},
  persistentVolumes: '/data/persistent-volumes',
};

const told = (api: MemoryApi) =>
  (api.store.all(events) as Event[]).map(({ type, reason }) => `${type} ${reason}`);

t.test('conditions of a new node, and each that changes', async (t) => {
  const api = memoryApi();
  const facts = await readFacts('/tmp');
  const pressure = { memory: false, disk: false, pids: false };
  const nodeEvents = new NodeEvents(api, 'n1', silent);
  const registration = new Registration({
    client: api,
    identity,
    report: async () => ({ facts, pressure: { ...pressure }, images: [], now: Date.now() }),
    events: nodeEvents,
    log: silent,
  });
  t.teardown(() => registration.stop());
  t.teardown(() => nodeEvents.close());
  registration.start();
  const atFirst = [
    'Normal NodeHasNoDiskPressure',
    'Normal NodeHasSufficientMemory',
    'Normal NodeHasSufficientPID',
    'Normal NodeReady',
  ];
  await eventually('the first conditions', () => told(api).length === atFirst.length);
  t.strictSame(told(api).sort(), atFirst);
  const [one] = api.store.all(events) as Event[];
  t.match(one, {
    metadata: { namespace: 'default' },
    involvedObject: { kind: 'Node', name: 'n1', uid: 'n1' },
    source: { component: 'kubelet', host: 'n1' },
    message: /^Node n1 status is now: Node/,
  });

  await registration.reportNow();
  Object.assign(pressure, { memory: true, disk: true, pids: true });
  await registration.reportNow();
  const pressed = ['NodeHasDiskPressure', 'NodeHasInsufficientMemory', 'NodeHasInsufficientPID'];
  await eventually('those that changed', () => told(api).length === 7);
  t.strictSame(
    told(api).sort(),
    [...atFirst, ...pressed.map((reason) => `Normal ${reason}`)].sort(),
    'who stays as it was is not told again',
  );
  Object.assign(pressure, { memory: false, disk: false, pids: false });
  await registration.reportNow();
  const twice = () =>
    (api.store.all(events) as Event[]).filter(({ count }) => count === 2).map((one) => one.reason);
  await eventually('the same again to be counted', () => twice().length === 3);
  t.strictSame(twice().sort(), [
    'NodeHasNoDiskPressure',
    'NodeHasSufficientMemory',
    'NodeHasSufficientPID',
  ]);
});

t.test('a threshold that is met', async (t) => {
  const api = memoryApi();
  const nodeEvents = new NodeEvents(api, 'n1', silent);
  t.teardown(() => nodeEvents.close());
  nodeEvents.thresholdMet('ephemeral-storage');
  await eventually('the event', () => told(api).length === 1);
  t.match(api.store.all(events), [
    {
      type: 'Warning',
      reason: 'EvictionThresholdMet',
      message: 'Attempting to reclaim ephemeral-storage',
    },
  ]);
});
