import t from 'tap';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  milliValue,
  parseQuantity,
  subtractQuantities,
  value,
} from '#api/resources/quantity.ts';

t.test('a quantity is written in its canonical form', async (t) => {
  const cases: [string | number, string][] = [
    ['0', '0'],
    ['0.000', '0'],
    ['1', '1'],
    [2, '2'],
    [0.5, '500m'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['1.', '1'],
    ['+1', '1'],
    ['-1', '-1'],
    ['1000', '1k'],
    ['1500', '1500'],
    ['1000000', '1M'],
    ['100m', '100m'],
    ['1000m', '1'],
    ['2500m', '2500m'],
    ['1u', '1u'],
    ['1n', '1n'],
    ['0.1n', '1n'],
    ['-0.1n', '-1n'],
    ['1Ki', '1Ki'],
    ['1024Ki', '1Mi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Ki', '512'],
    ['0.5Mi', '512Ki'],
    ['1e3', '1e3'],
    ['1E3', '1e3'],
    ['12e2', '1200'],
    ['1e-3', '1e-3'],
    ['1E', '1E'],
    ['3P', '3P'],
    ['128974848', '128974848'],
    ['123Mi', '123Mi'],
    ['1023Ki', '1023Ki'],
    ['9223372036854775807', '9223372036854775807'],
    ['100E', '9223372036854775807'],
  ];
  for (const [text, canonical] of cases) t.equal(canonicalQuantity(text), canonical, String(text));
});

t.test('what is no quantity is refused in Kubernetes words', async (t) => {
  for (const text of ['', 'x', '1 Gi', '--1', '1.2.3', '.', '1KiB']) {
    t.throws(
      () => parseQuantity(text),
      { name: 'InvalidQuantity', message: /must match|suffix/ },
      text,
    );
  }
  for (const text of ['1K', '1ki', '1mi', '1e', '1iK', '1GiMi']) {
    t.throws(() => parseQuantity(text), { message: "unable to parse quantity's suffix" }, text);
  }
});

t.test('values are rounded up and comparison is exact', async (t) => {
  t.equal(value('1.5'), 2);
  t.equal(value('-1.5'), -2);
  t.equal(value('1Gi'), 2 ** 30);
  t.equal(milliValue('0.1'), 100);
  t.equal(milliValue('1u'), 1);
  t.equal(milliValue('2'), 2000);
  t.equal(compareQuantities('1', '1000m'), 0);
  t.equal(compareQuantities('1Gi', '1G'), 1);
  t.equal(compareQuantities('9007199254740993', '9007199254740992'), 1);
});

t.test('sums keep the family of suffixes of the first that is not zero', async (t) => {
  t.equal(formatQuantity(addQuantities('100m', '900m')), '1');
  t.equal(formatQuantity(addQuantities('0', '512Mi')), '512Mi');
  t.equal(formatQuantity(addQuantities('512Mi', '512Mi')), '1Gi');
  t.equal(formatQuantity(subtractQuantities('4', '1500m')), '2500m');
});
