/** Which routes a node has to other nodes' pods. */
import t from 'tap';
import type { Node } from '#api/resources/types.ts';
import { wantedRoutes } from '#node-agent/network/node-routes.ts';

const node = (name: string, podCIDR: string | undefined, address: string | undefined): Node =>
  ({
    metadata: { name },
    spec: podCIDR === undefined ? {} : { podCIDR },
    status: address === undefined ? {} : { addresses: [{ type: 'InternalIP', address }] },
  }) as unknown as Node;

const self = { nodeName: 'a', podCidr: '10.244.0.0/24' };
const own = node('a', '10.244.0.0/24', '192.0.2.1');

const cases: readonly (readonly [string, readonly Node[], Record<string, string>])[] = [
  ['alone', [own], {}],
  [
    'others, through their addresses',
    [own, node('b', '10.244.1.0/24', '192.0.2.2'), node('c', '10.244.2.0/24', '192.0.2.3')],
    { '10.244.1.0/24': '192.0.2.2', '10.244.2.0/24': '192.0.2.3' },
  ],
  [
    'not yet registered',
    [own, node('b', undefined, '192.0.2.2'), node('c', '10.244.2.0/24', undefined)],
    {},
  ],
  ['on its own loopback alone', [own, node('b', '10.244.1.0/24', '127.0.0.1')], {}],
  ['an address like ours', [own, node('b', '10.244.1.0/24', '192.0.2.1')], {}],
  ['our pods’ range', [own, node('b', '10.244.0.0/24', '192.0.2.2')], {}],
  [
    'no addresses at all',
    [own, node('b', '10.244.1.0/24', 'nonsense'), node('c', 'x', '192.0.2.3')],
    {},
  ],
];
for (const [name, nodes, expected] of cases)
  t.test(name, async (t) => t.strictSame(Object.fromEntries(wantedRoutes(nodes, self)), expected));
