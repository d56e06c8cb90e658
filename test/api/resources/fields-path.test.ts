import t from 'tap';
import { humanAge, humanDuration } from '#api/resources/duration.ts';
import { getPath, parsePath, valuesAt, withPath } from '#api/resources/fields-path.ts';
import { generateName, labelProblems, subdomainProblems } from '#api/resources/names.ts';

const object = {
  spec: { replicas: 3, list: [{ name: 'a' }, { name: 'b' }] },
  metadata: { annotations: { 'example.com/x': 'y' } },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False' },
    ],
  },
};

t.test('a path of a custom column leads to its values', async (t) => {
  const cases: [string, unknown[]][] = [
    ['.spec.replicas', [3]],
    ['spec.replicas', [3]],
    ['{.spec.replicas}', [3]],
    ['$.spec.replicas', [3]],
    ['.spec.absent.x', []],
    ['.spec.list[*].name', ['a', 'b']],
    ['.spec.list[0].name', ['a']],
    ['.spec.list[-1].name', ['b']],
    ['.metadata.annotations.example\\.com/x', ['y']],
    [".metadata.annotations['example\\.com/x']", ['y']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    ["{.status.conditions[?(@.type == 'Other')].status}", ['False']],
    ['.status.conditions[?(@.status)].type', ['Ready', 'Other']],
    ['.constructor', []],
  ];
  for (const [path, values] of cases) {
    const parsed = parsePath(path);
    t.same(parsed && valuesAt(parsed, object), values, path);
  }
  for (const path of ['.a[', '.a]', '.spec..x', '.a[?(b)]'])
    t.equal(parsePath(path), undefined, path);
});

t.test('a value is put at a path without changing the original', async (t) => {
  const changed = withPath(object, '.spec.replicas', 5);
  t.equal(getPath(changed, '.spec.replicas'), 5);
  t.equal(object.spec.replicas, 3);
  t.same(withPath({}, '.a.b', 1), { a: { b: 1 } });
});

t.test('a span of time is written with about two figures', async (t) => {
  const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000];
  const cases: [number, string][] = [
    [-5 * s, '<invalid>'],
    [-1500, '0s'],
    [0, '0s'],
    [119 * s, '119s'],
    [120 * s, '2m'],
    [125 * s, '2m5s'],
    [10 * m + 5 * s, '10m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [7 * h + 30 * m, '7h30m'],
    [8 * h + 30 * m, '8h'],
    [47 * h, '47h'],
    [2 * d, '2d'],
    [7 * d + 5 * h, '7d5h'],
    [9 * d + 5 * h, '9d'],
    [729 * d, '729d'],
    [730 * d, '2y'],
    [800 * d, '2y70d'],
    [3650 * d, '10y'],
  ];
  for (const [ms, text] of cases) t.equal(humanDuration(ms), text);
  t.equal(humanAge(undefined, new Date()), '<unknown>');
  t.equal(humanAge('2026-01-01T00:00:00Z', new Date('2026-01-01T00:05:07Z')), '5m7s');
});

t.test('names are judged in Kubernetes words', async (t) => {
  t.same(labelProblems('web-1'), []);
  t.same(labelProblems('a.b'), ['must not contain dots']);
  t.match(labelProblems('Web'), [
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ]);
  t.same(labelProblems('a'.repeat(64)), ['must be no more than 63 bytes']);
  t.same(subdomainProblems('a.b-c'), []);
  t.match(subdomainProblems('a_b'), [
    /^a lowercase RFC 1123 subdomain must .* \(e\.g\. 'example\.com', regex used/,
  ]);
  t.match(generateName('web-'), /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  t.equal(generateName('a'.repeat(80)).length, 63);
});
