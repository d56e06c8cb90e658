import t from 'tap';
import { ipAddresses, serviceCidrs } from '#api/resources/resource-types.ts';
import type { IpAddress, ServiceCidr } from '#api/resources/types.ts';
import { serviceRangeController } from '#controller/service-range/controller.ts';
import { survivesCrashes, whole } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';

const group = 'networking.k8s.io/v1';
const range = (name: string, finalizers: string[], ...cidrs: string[]) =>
  ({
    apiVersion: group,
    kind: 'ServiceCIDR',
    metadata: { name, ...(finalizers.length === 0 ? {} : { finalizers }) },
    spec: { cidrs },
  }) as ServiceCidr;
const address = (name: string) =>
  ({ apiVersion: group, kind: 'IPAddress', metadata: { name } }) as IpAddress;

const ranges = (api: MemoryApi) => api.collection<ServiceCidr>(serviceCidrs);

t.test('a crash at any write keeps a range for as long as it has addresses', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [serviceRangeController],
      api: () => {
        const api = memoryApi();
        api.seed(ipAddresses, address('10.96.0.5'), address('10.97.0.5'));
        return api;
      },
      steps: [
        (api) => ranges(api).create(range('a', [], '10.96.0.0/24')),
        (api) => ranges(api).create(range('b', ['example.com/theirs'], '10.97.0.0/24')),
        (api) => ranges(api).create(range('c', [], '10.98.0.0/24')),
        async (api) => {
          for (const name of ['a', 'b', 'c']) await ranges(api).delete({ name });
        },
        (api) => api.collection(ipAddresses).delete({ name: '10.97.0.5' }),
      ],
      picture: (api) => whole(api, serviceCidrs, ipAddresses),
      never: (api) => {
        const has = (name: string) => api.store.find(ipAddresses, { name }) !== undefined;
        const isThere = api.store.all(serviceCidrs).some(({ metadata }) => metadata.name === 'b');
        return has('10.97.0.5') && !isThere && api.store.all(serviceCidrs).length === 2
          ? 'the range went before its address'
          : undefined;
      },
    },
    {
      writes: 10,
      end: [
        [
          {
            metadata: { name: 'a', finalizers: ['networking.k8s.io/service-cidr-finalizer'] },
            status: { conditions: [{ type: 'Ready', status: 'False', reason: 'Terminating' }] },
          },
          { metadata: { name: 'b', finalizers: ['example.com/theirs'] } },
        ],
        [{ metadata: { name: '10.96.0.5' } }],
      ],
    },
  ),
);
