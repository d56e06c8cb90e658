import t from 'tap';
import { render } from '#controller/git-sync/render/render.ts';
import { memoryTree } from '../../support/memory-tree.ts';

const map = (name: string, more = '') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n${more}`;

async function rendered(files: Record<string, string | null>, path = '.') {
  const { documents, problems } = await render(memoryTree(files), path);
  return {
    documents: documents.map(({ object, place }) => `${place} ${object.metadata.name}`),
    problems: problems.map(({ place, message }) => `${place}: ${message}`),
    objects: documents.map(({ object }) => object),
  };
}

t.test('all YAML and JSON below the folder counts, hidden and other files do not', async (t) => {
  const files = {
    'b.yaml': `${map('one')}---\n# nothing\n---\n${map('two')}`,
    'a/c.json': '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"three"}}',
    'a/README.md': '# not this',
    '.github/workflow.yaml': 'on: push',
    'list.yml': `apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Secret, metadata: {name: four}}\n`,
  };
  const { documents, problems } = await rendered(files);
  t.strictSame(problems, []);
  t.strictSame(documents, ['a/c.json:1 three', 'b.yaml:1 one', 'b.yaml:7 two', 'list.yml:1 four']);
  t.strictSame((await rendered(files, './a/')).documents, ['a/c.json:1 three']);
});

t.test('every problem has its place, and keeps no other document back', async (t) => {
  const { documents, problems } = await rendered({
    'a.yaml': `${map('good')}---\nkind: Pod\n---\n- list\n---\n${map('other')}---\na: [\n`,
    'b.yaml': map('good'),
    'c.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nsops: {mac: x}\n',
    'd.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: n\n  labels: {version: 1.0}\n',
    'link.yaml': null,
  });
  t.strictSame(documents, ['a.yaml:1 good', 'a.yaml:9 other']);
  t.match(problems, [
    /^a\.yaml:5: apiVersion is missing/,
    /^a\.yaml:7: a document must be an object/,
    /^a\.yaml:1[34]:\d+: /,
    /^c\.yaml:1: is encrypted by SOPS/,
    /^d\.yaml:1: metadata\.labels\.version is no text/,
    /^link\.yaml: is a symbolic link/,
    /^b\.yaml:1: ConfigMap good stands at a\.yaml:1, too/,
  ]);
});

t.test('what a kustomization says wrong is told at its line', async (t) => {
  const { documents, problems } = await rendered({
    'kustomization.yaml': `resources:
  - a.yaml
  - missing.yaml
  - ../outside
  - https://example.org/x.yaml
  - github.com/org/repo?ref=v1
helmCharts: [{name: x}]
namePrefix: [a]
images: [{newTag: "1"}]
patches:
  - path: none.yaml
  - patch: '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nobody"}}'
  - target: {kind: ConfigMap, name: "(a+)+b"}
    patch: '[{"op": "remove", "path": "/x"}]'
  - target: {kind: ConfigMap}
    patch: '[{"op": "remove", "path": "/x"}]'
replicas: [{name: web, count: 2}]
configMapGenerator:
  - {name: g, files: [../../etc/passwd]}
  - {name: h, literals: [novalue]}
`,
    'a.yaml': map('a'),
  });
  t.strictSame(documents, ['a.yaml:1 a']);
  t.match(problems, [
    /^kustomization\.yaml:7: helmCharts is not supported; known: resources/,
    /^kustomization\.yaml:8: namePrefix must be text/,
    /^kustomization\.yaml:9: images: each needs a name/,
    /^kustomization\.yaml:1: resources: missing\.yaml: there is no such folder/,
    /^kustomization\.yaml:1: resources: \.\.\/outside: leads out of the repository/,
    /^kustomization\.yaml:1: resources: https:.*: other repositories are not read/,
    /^kustomization\.yaml:1: resources: github\.com/,
    /^kustomization\.yaml:18: configMapGenerator: .*leads out of the repository/,
    /^kustomization\.yaml:18: configMapGenerator: literals: "novalue" must be key=value/,
    /^kustomization\.yaml:10: patches: none\.yaml: there is no such file/,
    /^kustomization\.yaml:10: patches: there is no ConfigMap nobody to be patched/,
    /^kustomization\.yaml:10: patches: target: .* is too involved a pattern/,
    /^kustomization\.yaml:10: patches: remove operation does not apply/,
    /^kustomization\.yaml:17: replicas: nothing with replicas is called web/,
  ]);
});

t.test('kustomizations that contain themselves, or links out, end with an error', async (t) => {
  const circle = await rendered({
    'a/kustomization.yaml': 'resources: [../b]',
    'b/kustomization.yaml': 'resources: [../a]',
  });
  t.match(circle.problems.join(), /a contains itself/);
  const link = await rendered({ 'kustomization.yaml': 'resources: [x.yaml]', 'x.yaml': null });
  t.match(link.problems, [/^kustomization\.yaml:1: resources: x\.yaml: is a symbolic link/]);
  const broken = await rendered({ 'kustomization.yaml': 'a: [' });
  t.match(broken.problems, [/^kustomization\.yaml:1: /]);
});

t.test('aliases that multiply are refused', async (t) => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (const [at, to] of ['ab', 'bc', 'cd', 'de', 'ef'].map((two) => [...two])) {
    bomb.push(`${to}: &${to} [${Array(9).fill(`*${at}`).join(', ')}]`);
  }
  const { problems } = await rendered({ 'bomb.yaml': `${map('a')}${bomb.join('\n')}\n` });
  t.match(problems, [/^bomb\.yaml:1: .*alias/i]);
});

t.test('names that mean something to JavaScript are names', async (t) => {
  const { objects } = await rendered({
    'kustomization.yaml':
      'resources: [a.yaml]\ncommonLabels: {constructor: x}\npatches: [{target: {kind: ConfigMap}, patch: "data: {__proto__: {polluted: y}}"}]\n',
    'a.yaml': map('a', 'data: {toString: z}\n'),
  });
  t.equal(Object.getPrototypeOf(objects[0]?.['data'] ?? null), Object.prototype);
  t.notOk('polluted' in {});
});

t.test('folders with kustomizations below a folder without one are built', async (t) => {
  const { documents, problems } = await rendered({
    'web/kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: web-\n',
    'web/a.yaml': map('a'),
    'web/unused.yaml': map('unused'),
    'db/a.yaml': map('b'),
  });
  t.strictSame(problems, []);
  t.strictSame(documents, ['db/a.yaml:1 b', 'web/a.yaml:1 web-a']);
});

t.test('a folder that is not there, or leads out, is told as the field', async (t) => {
  await t.rejects(rendered({ 'a.yaml': map('a') }, 'b'), {
    reason: 'NotFound',
    message: /^spec\.path: /,
  });
  await t.rejects(rendered({ 'a.yaml': map('a') }, '../x'), {
    reason: 'Refused',
    message: /^spec\.path: /,
  });
});

t.test('a replacement that cannot be made says what is missing', async (t) => {
  const entries = [
    '{source: {kind: ConfigMap, name: none}, targets: [{select: {name: a}}]}',
    '{source: {kind: ConfigMap}, targets: [{select: {name: a}}]}',
    '{source: {name: a, fieldPath: data.x}, targets: [{select: {name: b}}]}',
    '{source: {name: a}, targets: [{select: {name: b}, fieldPaths: [data.x]}]}',
    '{source: {name: a, fieldPath: data.list.first}, targets: [{select: {name: b}}]}',
    '{targets: [{select: {name: b}}]}',
    '{source: {name: a}, targets: 7}',
    '{source: {name: a}, targets: [{fieldPaths: [data.x]}]}',
    '{source: {name: a}, targets: [{select: {name: b}, fieldPaths: data.x}]}',
    '{source: {name: a, options: {delimiter: "-", index: 3}}, targets: [{select: {name: b}}]}',
    '{path: none.yaml}',
  ];
  const { documents, problems } = await rendered({
    'kustomization.yaml': `resources: [a.yaml]\nreplacements:\n${entries.map((one) => `  - ${one}\n`).join('')}`,
    'a.yaml': `${map('a', 'data: {list: [1]}')}\n---\n${map('b')}`,
  });
  t.equal(documents.length, 2);
  t.match(problems, [
    /^kustomization\.yaml:2: replacements: there is no ConfigMap none to take a value from/,
    /there are several ConfigMap; say more of it/,
    /a has no data\.x$/,
    /ConfigMap b has no data\.x; 'options: \{create: true\}' makes it/,
    /first is no element of a list: write \[FIELD=VALUE\], a number or \*/,
    /a replacement needs a source, or a path/,
    /a replacement needs targets, a list/,
    /each target needs select/,
    /fieldPaths and reject are lists/,
    /a: metadata\.name has no part 3/,
    /none\.yaml/,
  ]);
});
