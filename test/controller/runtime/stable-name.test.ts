import t from 'tap';
import { canonicalJson, stableSuffix } from '#controller/runtime/stable-name.ts';

t.test('the same text gives the same suffix, of letters that are fit for names', async (t) => {
  t.equal(stableSuffix('a'), stableSuffix('a'));
  t.match(stableSuffix('a', 10), /^[bcdfghjklmnpqrstvwxz2456789]{10}$/);
  const all = new Set([...Array(1_000).keys()].map((i) => stableSuffix(`pod ${i}`)));
  t.ok(all.size > 990, `${all.size} of 1000 differ`);
});

t.test('values that say the same give the same text', async (t) => {
  const a = { b: [1, { d: null, c: 'x' }], a: undefined };
  t.equal(canonicalJson(a), '{"b":[1,{"c":"x"}]}');
  t.equal(canonicalJson({ y: 1, x: 2 }), canonicalJson({ x: 2, y: 1 }));
  t.not(canonicalJson([1, 2]), canonicalJson([2, 1]));
});
