/** Volumes with a name, through `bay volume`, on a whole cluster. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster } from '../support/cluster.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(240_000);

t.test('volumes with a name', async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const bay = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const volume = (...args: string[]) => bay('volume', ...args);
  const refused = async (pattern: RegExp, ...args: string[]) => {
    const { code, stderr } = await cluster.bay('volume', ...args);
    t.equal(code, 1, `bay volume ${args.join(' ')}`);
    t.match(stderr, pattern);
  };

  await t.test('are made, told of and removed', async (t) => {
    t.equal(await volume('create', 'data'), 'data\n');
    t.equal(await volume('create', 'data'), 'data\n', 'there already');
    const unnamed = (await volume('create')).trim();
    t.match(unnamed, /^[a-f0-9]{64}$/);
    t.strictSame((await volume('ls', '-q')).trim().split('\n').sort(), [unnamed, 'data'].sort());
    t.equal(await volume('ls', '-f', 'name=dat'), 'DRIVER   VOLUME NAME\nlocal    data\n');
    const [seen] = JSON.parse(await volume('inspect', 'data'));
    t.match(seen, {
      Name: 'data',
      Driver: 'local',
      Scope: 'local',
      Mountpoint: join(cluster.dataDir, 'volumes/default/data'),
      CreatedAt: /^\d{4}-.*Z$/,
    });
    t.equal(await volume('inspect', '-f', '{{.Name}}', 'data'), 'data\n');
    await refused(/get none: no such volume/, 'inspect', 'none');
    await refused(/get none: no such volume/, 'rm', 'none');
    t.equal(await volume('rm', '-f', 'none'), 'none\n');
    await refused(/includes invalid characters for a local volume name/, 'create', 'a b');
    await refused(/includes invalid characters/, 'rm', 'x:y');
    t.equal(await volume('rm', 'data', unnamed), `data\n${unnamed}\n`);
    t.strictSame(readdirSync(join(cluster.dataDir, 'volumes/default')), []);
  });

  await t.test('begin with what the image has, and belong to who names them', async (t) => {
    await bay('run', '--name', 'maker', image, 'sh', '-c', 'mkdir /d; echo image >/d/f');
    await bay('commit', 'maker', 'with:1');
    await bay('rm', 'maker');
    await volume('create', 'data');
    await volume('create', 'idle');
    const id = (
      await bay('create', '--name', 'user', '-v', 'data:/d', 'with:1', 'cat', '/d/f')
    ).trim();
    await refused(new RegExp(`remove data: volume is in use - \\[${id}\\]`), 'rm', 'data');
    t.equal((await cluster.bay('start', '-a', 'user')).stdout, 'image\n');
    t.equal(await volume('ls', '-q', '-f', 'dangling=true'), 'idle\n');
    await bay('run', '--rm', '-v', 'data:/d', image, 'sh', '-c', 'echo more >>/d/f');
    t.equal((await cluster.bay('start', '-a', 'user')).stdout, 'image\nmore\n', 'begun once');
    t.match(await bay('system', 'df'), /^Local Volumes +2 +1 +11B +0B \(0%\)$/m);
    const unnamed = (await volume('create')).trim();
    t.equal(
      await volume('prune', '-f'),
      `Deleted Volumes:\n${unnamed}\n\nTotal reclaimed space: 0B\n`,
    );
    t.match(await volume('prune', '-a', '-f'), /^Deleted Volumes:\nidle\n\n/);
    await bay('rm', 'user');
    t.match(await volume('prune', '-a', '-f'), /data\n\nTotal reclaimed space: 11B/);
    t.equal(await volume('ls', '-q'), '');
  });

  const scratch = mkdtempSync(join(tmpdir(), 'bay-volumes-'));
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }));

  await t.test(
    'are there before the first start, as the container’s other files are',
    async (t) => {
      await bay('create', '--name', 'made', '-v', 'filled:/data', image, 'sleep', '3600');
      await bay('cp', 'made:/etc/passwd', join(scratch, 'passwd'));
      t.match(readFileSync(join(scratch, 'passwd'), 'utf8'), /^root:/);
      writeFileSync(join(scratch, 'early'), 'before it ran');
      await bay('cp', join(scratch, 'early'), 'made:/early');
      await bay('cp', join(scratch, 'early'), 'made:/data/early');
      t.equal(await bay('diff', 'made'), 'A /early\n');
      t.match(await bay('commit', 'made', 'early:1'), /^sha256:/);
      t.equal(await bay('run', '--rm', 'early:1', 'cat', '/early'), 'before it ran');
      const state = '{{.State.Status}} {{.status.node}}';
      t.match(await bay('inspect', '-f', state, 'made'), /^created \S+\n$/);
      await bay('start', 'made');
      t.equal(await bay('exec', 'made', 'cat', '/early', '/data/early'), 'before it ran'.repeat(2));
      await bay('rm', '-f', 'made');
      const kept = await bay('run', '--rm', '-v', 'filled:/v', image, 'cat', '/v/early');
      t.equal(kept, 'before it ran');
      const imageless = {
        ...{ apiVersion: 'bayplan.dev/v1alpha1', kind: 'Container' },
        ...{
          metadata: { name: 'imageless' },
          spec: { image: 'nowhere.invalid/none:1', state: 'Created' },
        },
      };
      await cluster.apply(JSON.stringify(imageless));
      t.match(await cluster.bay('cp', 'imageless:/x', join(scratch, 'x')), {
        code: 1,
        stderr: /its image 'nowhere.invalid\/none:1' is not on its node yet; pull or load it/,
      });
      await bay('rm', 'imageless');
    },
  );
});
