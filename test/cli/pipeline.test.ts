/** `bay apply --prune --wait`, `bay diff -f` and `bay wait --for`, as a pipeline runs them: output and exit codes. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import type { ApiObject } from '#api/client/collection.ts';
import { configMaps, jobs, secrets } from '#api/resources/resource-types.ts';
import { unifiedDiff } from '#cli/unified-diff.ts';
import { startTestServer } from '../support/api-server.ts';
import { run } from '../support/cluster.ts';
import { scratch } from '../support/scratch.ts';

t.setTimeout(120_000);
const server = await startTestServer();
t.teardown(() => server.close());
const client = server.client();
const main = resolve(import.meta.dirname, '../../cli/main.ts');
const folder = scratch('pipeline');

const bay = (...args: string[]) => {
  const [command = '', ...rest] = args;
  return run(process.execPath, [main, command, '--kubeconfig', server.kubeconfig, ...rest]);
};
const map = (name: string, value = '1', kind = 'ConfigMap') =>
  `apiVersion: v1\nkind: ${kind}\nmetadata: {name: ${name}}\n${kind === 'Secret' ? 'stringData' : 'data'}: {key: "${value}"}\n`;

/** A folder with these documents. */
function documents(all: Record<string, string>): string {
  const place = folder();
  rmSync(place, { recursive: true });
  mkdirSync(place);
  for (const [name, text] of Object.entries(all)) writeFileSync(join(place, `${name}.yaml`), text);
  return place;
}
const names = async () =>
  (await client.collection<ApiObject>(configMaps).list({ namespace: 'default' })).items
    .map(({ metadata }) => metadata.name)
    .filter((name) => !name.startsWith('bay-apply-') && name !== 'kube-root-ca.crt')
    .sort();
const apply = (all: Record<string, string>, ...flags: string[]) =>
  bay('apply', '--server-side', '-f', documents(all), ...flags);

t.test(
  'what has no document any more goes, and only what was applied under the name',
  async (t) => {
    await apply({ other: map('other') }, '--prune', '--set', 'theirs');
    const first = await apply({ a: map('a'), b: map('b') }, '--prune', '--set', 'ours');
    t.strictSame([first.code, first.stderr], [0, '']);
    t.strictSame(await names(), ['a', 'b', 'other']);
    const second = await apply({ a: map('a', '2'), c: map('c') }, '--prune', '--set', 'ours');
    t.equal(second.stdout, 'configmap/a configured\nconfigmap/c created\nconfigmap/b pruned\n');
    t.strictSame(await names(), ['a', 'c', 'other']);
  },
);

t.test('a refused document keeps the others, and pruning, from nothing but itself', async (t) => {
  const bad = map('Bad_Name');
  const { code, stderr } = await apply({ bad, d: map('d') }, '--prune', '--set', 'ours');
  t.equal(code, 1);
  t.match(stderr, /bad\.yaml:1: apply ConfigMap Bad_Name: .*metadata\.name/);
  t.match(stderr, /nothing is pruned/);
  t.strictSame(await names(), ['a', 'c', 'd', 'other']);
  const mended = await apply({ d: map('d') }, '--prune', '--set', 'ours');
  t.match(mended.stdout, /configmap\/a pruned\nconfigmap\/c pruned\n/);
  t.strictSame(await names(), ['d', 'other']);
});

t.test('an object that somebody made anew stays, and so does what says so', async (t) => {
  const maps = client.collection<ApiObject>(configMaps);
  const keep = map('keep').replace(
    '{name: keep}',
    '{name: keep, annotations: {bayplan.dev/prune: "false"}}',
  );
  await apply({ d: map('d'), e: map('e'), keep }, '--prune', '--set', 'ours');
  await maps.delete({ namespace: 'default', name: 'e' });
  await maps.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'e', namespace: 'default' },
  });
  const { stdout } = await apply({ d: map('d') }, '--prune', '--set', 'ours');
  t.match(stdout, /configmap\/keep kept/);
  t.notMatch(stdout, /configmap\/e /);
  t.strictSame(await names(), ['d', 'e', 'keep', 'other']);
});

t.test('two pipelines that name no set do not remove each other’s objects', async (t) => {
  t.equal((await apply({ x: map('x') }, '--prune')).code, 0);
  const { code, stderr } = await apply({ y: map('y') }, '--prune');
  t.equal(code, 2);
  t.match(
    stderr,
    /the set 'default' has none of these documents, but configmap\/x; name yours with --set/,
  );
  t.ok((await names()).includes('x'));
});

const job =
  'apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox}]}}}\n';

t.test(
  '--wait ends when all is healthy, or says what is not, with an exit code of its own',
  async (t) => {
    const late = await apply({ job, m: map('m') }, '--wait', '--timeout', '300ms');
    t.equal(late.code, 3);
    t.match(late.stderr, /job\.batch\/j is not ready: it has not ended/);
    const waiting = apply({ job, m: map('m') }, '--wait', '--timeout', '60s');
    const patch = {
      status: {
        startTime: '2030-01-01T00:00:00Z',
        completionTime: '2030-01-01T00:00:01Z',
        succeeded: 1,
        conditions: ['SuccessCriteriaMet', 'Complete'].map((type) => ({
          type,
          status: 'True',
          lastProbeTime: null,
          lastTransitionTime: null,
        })),
      },
    };
    const at = { namespace: 'default', name: 'j' };
    await client.collection<ApiObject>(jobs).patchStatus(at, patch, 'merge');
    const { code, stderr } = await waiting;
    t.strictSame([code, stderr], [0, '']);
    const met = await bay('wait', '--for=condition=Complete', 'job/j');
    t.strictSame([met.code, met.stdout], [0, 'job.batch/j condition met\n']);
    const not = await bay('wait', '--for=condition=Failed', '--timeout=200ms', 'job/j');
    t.strictSame(
      [not.code, not.stderr],
      [1, 'bay: waited 200ms for condition=Failed of job.batch/j\n'],
    );
    t.equal((await bay('wait', '--for=jsonpath={.status.succeeded}=1', 'jobs', 'j')).code, 0);
    t.equal((await bay('wait', '--for=healthy', '--all', 'cm')).code, 0);
    const gone = bay('wait', '--for=delete', '--timeout=30s', 'cm/m');
    await client.collection<ApiObject>(configMaps).delete({ namespace: 'default', name: 'm' });
    // Nothing is said of one that was gone before it was looked for.
    t.match(await gone, { code: 0, stdout: /^(configmap\/m condition met\n)?$/ });
  },
);

t.test(
  'diff shows what the server would make of it, secrets masked, and stores nothing',
  async (t) => {
    const all = { d: map('d', '9'), s: map('s', 'hunter2', 'Secret'), n: map('num') };
    const { code, stdout, stderr } = await bay('diff', '-f', documents(all));
    t.strictSame([code, stderr], [1, '']);
    t.match(stdout, /^--- live\/configmap\/d\n\+\+\+ .*d\.yaml:1 configmap\/d\n@@ /m);
    t.match(stdout, /^- {2}key: "1"\n\+ {2}key: "9"$/m);
    t.match(stdout, /^--- \/dev\/null\n/m);
    t.notMatch(stdout, /hunter2|aHVudGVyMg/);
    t.notOk((await names()).includes('num'));
    await client.collection<ApiObject>(secrets).create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: 'default' },
      data: { key: 'b2xk' },
    } as ApiObject);
    const changed = await bay('diff', '-f', documents({ s: all.s }));
    t.match(changed.stdout, /^- {2}key: "?\*\*\* \(before\)"?\n\+ {2}key: "?\*\*\* \(after\)"?$/m);
    t.strictSame(await bay('diff', '-f', documents({ d: map('d') })), {
      code: 0,
      stdout: '',
      stderr: '',
    });
    t.equal((await bay('diff', '-f', documents({ bad: map('Bad_Name') }))).code, 2);
    t.equal((await bay('diff', '-f', documents({ broken: 'a: [' }))).code, 2);
  },
);

t.test('wrong flags are told', async (t) => {
  for (const [flags, message] of [
    [['--timeout', 'soon', '--wait'], /--timeout 'soon'/],
    [['--dry-run=odd'], /Invalid dry-run value \(odd\)/],
    [['--set', '../x', '--prune'], /--set '..\/x'/],
    [['--prune', '--dry-run=server'], /bay diff/],
  ] as const) {
    const { code, stderr } = await apply({ a: map('a') }, ...flags);
    t.equal(code, 2, flags.join(' '));
    t.match(stderr, message);
  }
  t.match(await bay('wait', '--for=what', 'cm/a'), { code: 2, stderr: /--for 'what'/ });
});

t.test('unified diffs are those of diff -u', async (t) => {
  const text = (lines: number, more: Record<number, string> = {}) =>
    Array.from({ length: lines }, (_, i) => `${more[i] ?? `line ${i}`}\n`).join('');
  const place = folder();
  for (const [before, after] of [
    [text(20), text(20, { 3: 'x', 15: 'y' })],
    [text(20), text(22, { 10: 'x', 11: 'y' })],
    [text(5), ''],
    ['', text(3)],
    [text(9), text(9, { 0: 'x', 8: 'y' })],
  ] as const) {
    writeFileSync(join(place, 'a'), before);
    writeFileSync(join(place, 'b'), after);
    const { stdout } = await run('diff', ['-u', join(place, 'a'), join(place, 'b')]);
    const body = (all: string) =>
      all
        .split('\n')
        .slice(2)
        .join('\n')
        .replace(/^(@@ .*?)(?<=[-+]\d+)(?= |,1 )/gm, '$1');
    const ours = unifiedDiff({ name: 'a', text: before }, { name: 'b', text: after });
    t.equal(body(ours).replace(/,1(?= )/g, ''), body(stdout).replace(/,1(?= )/g, ''));
  }
});
