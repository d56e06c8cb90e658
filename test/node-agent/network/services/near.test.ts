/** Which endpoints hints lead a node to: kube-proxy's table of cases. */
import t from 'tap';
import { type Hinted, nearest } from '#node-agent/network/services/near.ts';

type Endpoint = Hinted & { readonly name: string };
const place = { nodeName: 'here', zone: 'west', addresses: [] };
const to = (name: string, zones: readonly string[], nodes: readonly string[] = []) => ({
  name,
  hints: {
    ...(zones.length > 0 ? { forZones: zones.map((zone) => ({ name: zone })) } : {}),
    ...(nodes.length > 0 ? { forNodes: nodes.map((node) => ({ name: node })) } : {}),
  },
});
const bare = (name: string): Endpoint => ({ name });

const cases: readonly (readonly [string, readonly Endpoint[], string, string?])[] = [
  ['no hints: all', [bare('a'), bare('b')], 'a b'],
  ['this zone', [to('a', ['west']), to('b', ['east'])], 'a'],
  ['an endpoint for several zones', [to('a', ['east', 'west']), to('b', ['east'])], 'a'],
  ['one has no hint: all', [to('a', ['west']), bare('b')], 'a b'],
  ['no hint for this zone: all', [to('a', ['east']), to('b', ['north'])], 'a b'],
  ['a node without zone: all', [to('a', ['west']), to('b', ['east'])], 'a b', ''],
  ['this node before its zone', [to('a', ['west'], ['here']), to('b', ['west'], ['there'])], 'a'],
  [
    'none on this node: its zone',
    [to('a', ['west'], ['other']), to('b', ['east'], ['there'])],
    'a',
  ],
  [
    'one without a hint for nodes: zones',
    [to('a', ['west'], ['here']), to('b', ['west']), to('c', ['east'])],
    'a b',
  ],
  ['nothing', [], ''],
];
for (const [what, endpoints, expected, zone = 'west'] of cases) {
  t.test(what, async (t) => {
    const found = nearest(endpoints, { ...place, zone });
    t.equal(found.map(({ name }) => name).join(' '), expected);
  });
}
