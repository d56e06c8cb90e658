/** Images over a real registry, by bay and by kubectl: push, pull, run, private registries, failures. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster, waitFor } from '../support/cluster.ts';
import { missingPrograms, startRegistry } from '../support/docker-registry.ts';
import { leftOver, machine } from '../support/machine.ts';

const missing = missingPrograms();
if (missing !== undefined) {
  t.pass('skipped', { skip: missing });
  process.exit();
}
t.setTimeout(200_000);
const before = machine();
const directory = mkdtempSync(join(tmpdir(), 'bayplan-test-registry-e2e-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

t.test('images over a registry', { timeout: 180_000 }, async (t) => {
  const registry = await startRegistry(directory);
  t.teardown(() => registry.stop());
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const name = `${registry.host}/team/box:1`;
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await t.test('tag, push, remove, pull and run', async (t) => {
    await good('tag', 'busybox', name);
    t.match(await good('push', name), /Pushed\n.*1: digest: sha256:[0-9a-f]{64}\n$/s);
    await good('rmi', name);
    t.notMatch(await good('images'), /team\/box/);
    t.match(
      await good('pull', name),
      new RegExp(`Already exists\\nDigest: sha256:[0-9a-f]{64}\\n${name}\\n$`),
    );
    t.match(
      await good('images', `${registry.host}/team/box`),
      /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n\S+team\/box +1 /,
    );
    t.equal(await good('run', '--rm', name, 'echo', 'from afar'), 'from afar\n');
  });
  await t.test('a pod pulls its image by itself', async (t) => {
    await good('rmi', name);
    t.equal(await good('run', '--rm', name, 'echo', 'pulled'), 'pulled\n');
    await waitFor(
      'the event',
      async () => (await good('get', 'events')).includes('Successfully pulled image') || undefined,
    );
  });
  await t.test('what is not there is told by the registry', async (t) => {
    const absent = await cluster.bay('pull', `${registry.host}/team/none`);
    t.equal(absent.code, 1);
    t.match(
      absent.stderr,
      /answered 404 Not Found \(MANIFEST_UNKNOWN: manifest unknown\); check the name/,
    );
    const kubectl = ['run', 'none', `--image=${registry.host}/team/none`, '--restart=Never'];
    t.equal((await cluster.kubectl(...kubectl)).code, 0);
    await waitFor('the reason', async () => {
      const { stdout } = await cluster.kubectl(
        'get',
        'pod',
        'none',
        '-o',
        'jsonpath={.status.containerStatuses[0].state.waiting.reason}',
      );
      return /^(ErrImagePull|ImagePullBackOff)$/.test(stdout) || undefined;
    });
    t.equal((await cluster.kubectl('delete', 'pod', 'none')).code, 0);
  });
});

t.test('nothing is left on the machine', async (t) => {
  t.strictSame(await leftOver(before, 10_000), {});
});
