import t from 'tap';
import { ipAddresses, serviceCidrs } from '#api/resources/resource-types.ts';
import type { IpAddress, ServiceCidr } from '#api/resources/types.ts';
import { serviceRangeController } from '#controller/service-range/controller.ts';
import { running } from '../../support/controllers.ts';

const group = 'networking.k8s.io/v1';
const range = (name: string, ...cidrs: string[]) =>
  ({ apiVersion: group, kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } }) as ServiceCidr;
const address = (name: string) =>
  ({ apiVersion: group, kind: 'IPAddress', metadata: { name } }) as IpAddress;

t.test('a range stays until its last address is gone or has another home', async (t) => {
  const run = running(serviceRangeController);
  t.teardown(() => run.stop());
  const ranges = run.api.collection<ServiceCidr>(serviceCidrs);
  const addresses = run.api.collection<IpAddress>(ipAddresses);
  await ranges.create(range('a', '10.96.0.0/24', 'fd00::/112'));
  await ranges.create(range('b', '10.97.0.0/24'));
  await addresses.create(address('fd00::5'));
  await addresses.create(address('10.97.0.9'));
  run.start();
  await run.settle();
  const ready = async (name: string) => {
    const { status } = await ranges.get({ name });
    return status?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  };
  t.same(await ready('a'), ['Ready True ']);
  for (const name of ['a', 'b']) await ranges.delete({ name });
  await run.settle();
  t.same(await ready('a'), ['Ready False Terminating']);
  t.same(await ready('b'), ['Ready False Terminating']);
  await addresses.delete({ name: 'fd00::5' });
  await ranges.create(range('c', '10.97.0.0/16'));
  await run.settle();
  await t.rejects(ranges.get({ name: 'a' }), { code: 404 });
  await t.rejects(ranges.get({ name: 'b' }), { code: 404 }, 'another range has its address');
  t.same(await ready('c'), ['Ready True ']);
  t.strictSame(run.failures, []);
});
