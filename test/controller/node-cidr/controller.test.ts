/** A range with room for two nodes. */
import t from 'tap';
import { events, nodes } from '#api/resources/resource-types.ts';
import type { Event, Node } from '#api/resources/types.ts';
import { nodeCidrController } from '#controller/node-cidr/controller.ts';
import { aNode } from '../../support/builders.ts';
import { running } from '../../support/controllers.ts';

async function setUp(...names: string[]) {
  const run = running(nodeCidrController('10.244.0.0/23'));
  run.start();
  for (const name of names) await run.api.collection<Node>(nodes).create(aNode(name));
  await run.settle();
  const cidrs = () =>
    (run.api.store.all(nodes) as Node[]).map(
      ({ metadata, spec }) => `${metadata.name} ${spec?.podCIDR}`,
    );
  const told = () => run.api.store.all(events) as Event[];
  return { ...run, cidrs, told };
}

t.test('a node for which there is no room is told so in Kubernetes’ event', async (t) => {
  const { cidrs, told, failures } = await setUp('a', 'b', 'c');
  t.strictSame(cidrs(), ['a 10.244.0.0/24', 'b 10.244.1.0/24', 'c undefined']);
  t.match(told(), [
    {
      type: 'Warning',
      reason: 'CIDRNotAvailable',
      involvedObject: { kind: 'Node', name: 'c' },
      message:
        "Node c status is now: CIDRNotAvailable: all 2 parts of the pods' range 10.244.0.0/23 are taken; delete a node that is not needed any more",
    },
  ]);
  t.equal(told().length, 1);
  t.strictSame(failures, []);
});

t.test('it is not asked again and again, whatever its nodes report', async (t) => {
  const { api, settle } = await setUp('a', 'b', 'c');
  const before = api.requests.length;
  await settle(600_000);
  t.equal(api.requests.length, before);
  const heartbeat = {
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'still' }] },
  };
  for (const name of ['a', 'c']) {
    await api.collection(nodes).patchStatus({ name }, heartbeat, 'merge');
  }
  const reported = api.requests.length;
  await settle(60_000);
  t.equal(api.requests.length, reported);
});

t.test('it gets the part of the next node that goes, by itself', async (t) => {
  const { api, settle, cidrs } = await setUp('a', 'b', 'c', 'd');
  await api.collection(nodes).delete({ name: 'a' });
  await settle();
  t.strictSame(cidrs(), ['b 10.244.1.0/24', 'c 10.244.0.0/24', 'd undefined']);
  await api.collection(nodes).delete({ name: 'c' });
  await settle();
  t.strictSame(cidrs(), ['b 10.244.1.0/24', 'd 10.244.0.0/24']);
});
