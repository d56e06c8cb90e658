import t from 'tap';
import {
  canonical,
  contains,
  dynamicOffset,
  nth,
  parseRange,
} from '#api/allocation/address-range.ts';
import { Bitmap } from '#api/allocation/bitmap.ts';

t.test('ranges of both families know their addresses', async (t) => {
  const small = parseRange('10.0.0.0/30');
  const six = parseRange('fd00:10::/112');
  if (small === undefined || six === undefined) throw new Error('no range');
  t.equal(small.size, 2n);
  t.equal(nth(small, 0n), '10.0.0.1');
  t.equal(nth(small, 1n), '10.0.0.2');
  t.notOk(contains(small, '10.0.0.0'), 'the network');
  t.notOk(contains(small, '10.0.0.3'), 'the broadcast address');
  t.notOk(contains(small, 'fd00:10::1'), 'another family');
  t.equal(six.size, 65_535n);
  t.equal(nth(six, 9n), 'fd00:10::a');
  t.ok(contains(six, 'fd00:0010:0:0::ffff'));
});

t.test('what is no range is told so', async (t) => {
  for (const text of ['', '10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/8/8', 'x/8', '::/129'])
    t.equal(parseRange(text), undefined, text);
});

t.test('addresses have one way to be written', async (t) => {
  t.equal(canonical('2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
  t.equal(canonical('::'), '::');
  t.equal(canonical('1:0:0:2:0:0:0:3'), '1:0:0:2::3');
  t.equal(canonical('::ffff:1.2.3.4'), '::ffff:102:304');
  t.equal(canonical('10.96.0.1'), '10.96.0.1');
});

t.test('the lower part of a range is left to those who choose', async (t) => {
  const offset = (cidr: string) => dynamicOffset(parseRange(cidr) ?? never());
  t.equal(offset('10.96.0.0/12'), 256n);
  t.equal(offset('10.96.0.0/24'), 16n);
  t.equal(offset('10.96.0.0/22'), 63n);
  t.equal(offset('10.96.0.0/28'), 0n);
});

t.test("a bitmap's bytes are those of Go's big.Int", async (t) => {
  const bitmap = Bitmap.decode('');
  bitmap.add(0);
  bitmap.add(9);
  t.equal(bitmap.encode(), Buffer.from([0x02, 0x01]).toString('base64'));
  const again = Bitmap.decode(bitmap.encode());
  t.ok(again.has(9) && again.has(0) && !again.has(1));
  again.remove(9);
  t.equal(again.encode(), Buffer.from([0x01]).toString('base64'));
});

function never(): never {
  throw new Error('no range');
}
