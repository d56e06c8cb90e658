import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseManifests, readManifests } from '#cli/manifests.ts';

const pod = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n';

t.test('several documents keep their order and tell their lines', async (t) => {
  const found = parseManifests(`${pod}---\n# nothing here\n---\n${pod}`, 'web.yaml');
  t.strictSame(
    found.map(({ place }) => place),
    ['web.yaml:1', 'web.yaml:8'],
  );
});

t.test('scalars are what kubectl reads: YAML 1.1 but for times and base sixty', async (t) => {
  const text = `${pod}data: {octal: 0644, yes: yes, time: 2020-01-02, ports: 22:22, hex: 0x1f, text: "0644"}\n`;
  t.strictSame(parseManifests(text, 'x.yaml')[0]?.object['data'], {
    octal: 420,
    true: true,
    time: '2020-01-02',
    ports: '22:22',
    hex: 31,
    text: '0644',
  });
});

t.test('a List stands for its items', async (t) => {
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [{ ...JSON.parse('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}') }],
  };
  t.equal(parseManifests(JSON.stringify(list), 'x.json')[0]?.object.kind, 'Pod');
});

const bad = [
  ['a: [1', /bad.yaml:1:\d+: /],
  ['a: 1\nb: "x\n', /bad.yaml:\d+:\d+: /],
  ['- 1\n', /bad.yaml:1: a document must be an object/],
  ['kind: Pod\nmetadata: {name: a}\n', /bad.yaml:1: apiVersion is missing/],
  ['apiVersion: v1\nkind: Pod\n', /bad.yaml:1: metadata.name is missing/],
] as const;

for (const [text, message] of bad) {
  t.test(`${JSON.stringify(text)} is refused with its place`, async (t) => {
    t.throws(() => parseManifests(text, 'bad.yaml'), { message });
  });
}

t.test('a directory stands for its manifests in order of their names', async (t) => {
  const dir = t.testdir({ 'b.yaml': pod, 'a.yml': pod, 'c.txt': 'not this' });
  writeFileSync(
    join(dir, 'd.json'),
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'd' } }),
  );
  t.strictSame(
    readManifests([dir]).map(({ place }) => place.slice(dir.length + 1)),
    ['a.yml:1', 'b.yaml:1', 'd.json:1'],
  );
});

t.test('a file that is not there is told by name', async (t) => {
  t.throws(() => readManifests(['/nowhere/x.yaml']), /nowhere/);
});
