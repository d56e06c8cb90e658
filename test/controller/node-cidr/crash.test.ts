import t from 'tap';
import { nodes } from '#api/resources/resource-types.ts';
import type { Node } from '#api/resources/types.ts';
import { nodeCidrController } from '#controller/node-cidr/controller.ts';
import { aNode } from '../../support/builders.ts';
import { survivesCrashes } from '../../support/crash.ts';
import { type MemoryApi, memoryApi } from '../../support/memory-collection.ts';

const cidrs = (api: MemoryApi) =>
  (api.store.all(nodes) as Node[]).flatMap(({ spec }) => spec?.podCIDR ?? []);

t.test('a crash at any write gives each node one part, and no two the same', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [nodeCidrController('10.244.0.0/16')],
      api: () => {
        const api = memoryApi();
        const podCIDR = '10.244.1.0/24';
        api.seed(nodes, aNode('foreign', {}, { spec: { podCIDR, podCIDRs: [podCIDR] } }));
        return api;
      },
      steps: [
        (api) => api.seed(nodes, aNode('a'), aNode('b')),
        (api) => api.collection(nodes).delete({ name: 'a' }),
        (api) => api.seed(nodes, aNode('c'), aNode('d')),
      ],
      picture: (api) => ({
        cidrs: cidrs(api).sort().join(' '),
        pairs: (api.store.all(nodes) as Node[]).map(
          ({ spec }) => spec?.podCIDR === spec?.podCIDRs?.[0],
        ),
      }),
      foreign: /foreign/,
      never: (api) =>
        new Set(cidrs(api)).size < cidrs(api).length ? 'two nodes have the same part' : undefined,
    },
    {
      writes: 4,
      end: {
        cidrs: '10.244.0.0/24 10.244.1.0/24 10.244.2.0/24 10.244.3.0/24',
        pairs: [true, true, true, true],
      },
    },
  ),
);
