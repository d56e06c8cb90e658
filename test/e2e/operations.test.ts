/** Docker's operations on a container's files, through `bay`, on a whole cluster. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster, waitFor } from '../support/cluster.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(240_000);

t.test('the files of a container', async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const bay = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };

  await t.test('stay over stop and start, and over a change of the spec', async (t) => {
    await bay('run', '-d', '--name', 'keeper', image, 'sleep', '3600');
    await bay('exec', 'keeper', 'sh', '-c', 'echo one >/mark; rm /etc/group; mkdir /d');
    await bay('stop', '-t', '0', 'keeper');
    await bay('start', 'keeper');
    t.equal(await bay('exec', 'keeper', 'cat', '/mark'), 'one\n');
    await cluster.kubectl(
      'patch',
      'containers.bayplan.dev/keeper',
      '--type=merge',
      '-p',
      '{"spec":{"hostname":"other"}}',
    );
    await bay('restart', '-t', '0', 'keeper');
    const look = 'hostname; cat /mark; test -e /etc/group || echo gone';
    t.equal(await bay('exec', 'keeper', 'sh', '-c', look), 'other\none\ngone\n');
    const uid = JSON.parse(await bay('inspect', 'keeper')).metadata.uid;
    const dir = join(cluster.dataDir, 'containers', uid);
    t.ok(existsSync(dir));
    await bay('rm', '-f', 'keeper');
    await waitFor('the layer to be removed', async () => !existsSync(dir) || undefined);
  });
});
