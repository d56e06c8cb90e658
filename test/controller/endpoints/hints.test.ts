/** For whom endpoints are meant first: the hints that a Service's `trafficDistribution` asks for. */
import t from 'tap';
import type { EndpointSlice, Pod, Service } from '#api/resources/types.ts';
import { plan } from '#controller/endpoints/service-slices.ts';
import { aRunningPod, aService } from '../../support/builders.ts';

const zoneOf = (node: string) => (node === 'a' ? 'west' : undefined);
const web = (i: number, more = {}) => aRunningPod(`web-${i}`, 'web', `10.244.0.${i}`, more);
const planned = (service: Service, pods: Pod[], slices: readonly EndpointSlice[] = []) =>
  plan({ service, pods, slices, zoneOf });

for (const [wish, hints] of [
  [undefined, undefined],
  ['PreferClose', { forZones: [{ name: 'west' }] }],
  ['PreferSameZone', { forZones: [{ name: 'west' }] }],
  ['PreferSameNode', { forZones: [{ name: 'west' }], forNodes: [{ name: 'a' }] }],
] as const) {
  t.test(`${wish ?? 'no'} distribution of traffic: hints of its endpoints`, async (t) => {
    const service = aService('web', wish === undefined ? {} : { trafficDistribution: wish });
    const ended = web(2, { status: { conditions: [{ type: 'Ready', status: 'False' }] } });
    const held = planned(service, [web(1), ended]).create;
    t.strictSame(
      held.flatMap(({ endpoints = [] }) => endpoints.map((one) => one.hints)),
      [hints, undefined],
      'those that are ready alone',
    );
    const { update } = planned(aService('web'), [web(1), ended], held);
    t.equal(update.length, hints === undefined ? 0 : 1, 'and they go with the wish');
    t.notOk(update.some(({ endpoints = [] }) => endpoints.some((one) => one.hints !== undefined)));
  });
}

t.test('a node without zone gives no hint of it', async (t) => {
  const apart = web(1, { spec: { nodeName: 'b' } });
  const hintsOf = (trafficDistribution: string) =>
    planned(aService('web', { trafficDistribution }), [apart]).create[0]?.endpoints?.[0]?.hints;
  t.equal(hintsOf('PreferSameZone'), undefined);
  t.strictSame(hintsOf('PreferSameNode'), { forNodes: [{ name: 'b' }] });
});
