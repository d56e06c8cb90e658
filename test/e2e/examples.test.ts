/** What the documentation shows works: every example is applied with `bay`, becomes ready and goes again. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import type { Pod } from '#api/resources/types.ts';
import { TestCluster, waitFor } from '../support/cluster.ts';
import { GitRepository } from '../support/git-repository.ts';
import { leftOver, machine } from '../support/machine.ts';
import { shopExample } from './shop-example.ts';

const examples = resolve(import.meta.dirname, '../../docs/examples');
t.setTimeout(280_000);
const before = machine();

t.test('every example becomes ready and goes again', { timeout: 180_000 }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up('--apply', join(examples, 'hello.yaml'));
  t.match(cluster.output, /container hello runs at 10\./);
  t.match(cluster.output, /http:\/\/10\.\d+\.\d+\.\d+:8080 {2}answers/);
  t.match(cluster.output, /Next:\n.*kubectl .*\n.*logs.*\n.*exec/);

  const pods = async (): Promise<Pod[]> => {
    const { stdout } = await cluster.bay('get', 'pods', '-o', 'json');
    return (JSON.parse(stdout) as { items: Pod[] }).items;
  };
  // What runs already comes first, so that the others find no pods.
  const files = readdirSync(examples).filter((name) => name.endsWith('.yaml'));
  const isRunning = (file: string) => Number(file === 'hello.yaml');
  for (const file of files.sort((a, b) => isRunning(b) - isRunning(a))) {
    await t.test(file, async (t) => {
      const path = withRepository(join(examples, file), cluster.folder);
      const applied = await cluster.bay('apply', '-f', path);
      t.equal(applied.code, 0, applied.stderr);
      await waitFor('its pods to be ready', async () => {
        const all = await pods();
        const ready = all.filter((pod) =>
          pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
        );
        return all.length > 0 && ready.length === all.length ? true : undefined;
      });
      const again = await cluster.bay('apply', '-f', path);
      t.notMatch(again.stdout, /created|configured/, 'applying it again changes nothing');
      const gone = await cluster.bay('delete', '-f', path);
      t.equal(gone.code, 0, gone.stderr);
      await waitFor('its pods to go', async () => ((await pods()).length === 0 ? true : undefined));
    });
  }
  await t.test('the shop is the same by kubectl, by bay and by git', (t) =>
    shopExample(t, cluster),
  );
  t.equal(await cluster.interrupt(), 0, cluster.output);
});

/** What an example says of the repository /srv/fleet.git, of one with docs/examples/fleet in it. */
function withRepository(path: string, folder: string): string {
  const text = readFileSync(path, 'utf8');
  if (!text.includes('/srv/fleet.git')) return path;
  const repository = new GitRepository(folder);
  const names = readdirSync(join(examples, 'fleet'));
  const file = (name: string) => readFileSync(join(examples, 'fleet', name), 'utf8');
  repository.push(Object.fromEntries(names.map((name) => [`fleet/${name}`, file(name)])));
  const copy = join(folder, 'example.yaml');
  writeFileSync(copy, text.replaceAll('/srv/fleet.git', repository.path));
  return copy;
}

t.test('afterwards the machine is as it was', async (t) => {
  t.strictSame(await leftOver(before), {});
});
