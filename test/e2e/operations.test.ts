/** Docker's operations on a container's files, through `bay`, on a whole cluster. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { getXattr, setXattr } from '#native/files.ts';
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
    const uid = JSON.parse(await bay('inspect', 'keeper'))[0].metadata.uid;
    const dir = join(cluster.dataDir, 'containers', uid);
    t.ok(existsSync(dir));
    await bay('rm', '-f', 'keeper');
    await waitFor('the layer to be removed', async () => !existsSync(dir) || undefined);
  });

  const scratch = mkdtempSync(join(tmpdir(), 'bay-cp-'));
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
  const here = (name: string) => join(scratch, name);
  const change = 'echo one >/etc/mark; rm /etc/group; mkdir -p /d/e; ln -s /etc/mark /d/link';

  await t.test('are told, copied, made an image of and exported', async (t) => {
    for (const name of ['one', 'two']) {
      await bay('run', '-d', '--name', name, image, 'sleep', '3600');
      await bay('exec', name, 'sh', '-c', change);
    }
    const told = 'C /etc\nD /etc/group\nA /etc/mark\nA /d\nA /d/e\nA /d/link\n';
    const sorted = (text: string) => text.split('\n').sort();
    t.same(sorted(await bay('diff', 'one')), sorted(told));

    writeFileSync(here('in'), 'from outside');
    await bay('cp', here('in'), 'one:/d/');
    await bay('cp', here('in'), 'one:/d/named');
    t.equal(await bay('exec', 'one', 'cat', '/d/in', '/d/named'), 'from outsidefrom outside');
    await bay('cp', 'one:/d', here('out'));
    t.equal(readFileSync(here('out/named'), 'utf8'), 'from outside');
    t.equal(readlinkSync(here('out/link')), '/etc/mark');
    await bay('cp', '-L', 'one:/d/link', here('followed'));
    t.equal(readFileSync(here('followed'), 'utf8'), 'one\n');
    // As docker: the capabilities of programs come along, both ways.
    const capability = Buffer.from('0100000200ff80fe00000000c0ff000000000000', 'hex');
    setXattr(here('in'), 'security.capability', capability);
    await bay('cp', here('in'), 'one:/d/');
    await bay('cp', 'one:/d/in', here('able'));
    t.strictSame(getXattr(here('able'), 'security.capability'), capability);
    await bay('exec', 'one', 'rm', '/d/in', '/d/named');
    const none = await cluster.bay('cp', 'one:/nothing', here('x'));
    t.equal(none.code, 1);
    t.match(none.stderr, /Could not find the file \/nothing in container one/);

    const id = await bay('commit', '-m', 'note', '-c', 'CMD ["cat", "/etc/mark"]', 'one', 'made:1');
    t.match(id, /^sha256:[a-f0-9]{64}\n$/);
    const same = await bay(
      'commit',
      '-m',
      'note',
      '-c',
      'CMD ["cat", "/etc/mark"]',
      'two',
      'made:2',
    );
    t.equal(same, id, 'the same changes have the same digest');
    t.equal(await bay('run', '--rm', 'made:1'), 'one\n');
    t.match(await bay('history', 'made:1'), /bay commit .*note/);
    const bad = await cluster.bay('commit', '-c', 'RUN true', 'one', 'made:3');
    t.equal(bad.code, 1);
    t.match(bad.stderr, /change "RUN true": it must begin with one of CMD/);

    await bay('export', '-o', here('all.tar'), 'one');
    const listed = spawnSync('tar', ['-tf', here('all.tar')], { encoding: 'utf8' }).stdout;
    t.match(listed, /^etc\/mark$/m);
    t.notMatch(listed, /^etc\/group$/m);
    await bay('import', '-c', 'CMD ["cat", "/etc/mark"]', here('all.tar'), 'flat:1');
    t.equal(await bay('run', '--rm', 'flat:1'), 'one\n');
    await bay('save', '-o', here('saved.tar'), 'made:1', 'flat:1');
    await bay('rmi', 'made:1', 'made:2', 'flat:1');
    t.match(await bay('load', '-i', here('saved.tar')), /Loaded image: made:1/);
    t.equal(await bay('run', '--rm', 'made:1'), 'one\n');
  });

  await t.test('are inspected as docker does it', async (t) => {
    const format =
      '{{.State.Status}} {{.State.Running}} {{.Name}} {{.Config.Image}} {{join .Config.Cmd " "}}';
    t.equal(await bay('inspect', '-f', format, 'one'), `running true /one ${image} sleep 3600\n`);
    const [box] = JSON.parse(await bay('inspect', '-s', 'one'));
    const program = readFileSync(`/proc/${box.State.Pid}/cmdline`, 'utf8');
    t.equal(program, 'sleep\x003600\0');
    t.equal(box.SizeRw, 4, 'the one file that was written');
    t.ok(existsSync(join(box.GraphDriver.Data.UpperDir, 'etc/mark')));
    const { IPAddress, Gateway, MacAddress, Networks } = box.NetworkSettings;
    t.equal(IPAddress, box.status.ip);
    const link = 'cat /sys/class/net/eth0/address; ip route';
    const inside = await bay('exec', 'one', 'sh', '-c', link);
    t.match(inside, new RegExp(`^${MacAddress}\n.*default via ${Gateway} `, 's'));
    t.match(Networks.cluster, { IPAddress, Gateway, MacAddress });
    const [held] = JSON.parse(await bay('inspect', '--type', 'image', image));
    t.equal(box.Image, held.Id);
    t.ok(box.SizeRootFs > held.Size && held.RootFS.Layers.length > 0);
    t.match(await cluster.bay('inspect', 'one', 'nobody'), {
      code: 1,
      stdout: /^\[\n {4}\{/,
      stderr: /No such object: nobody/,
    });
    t.match(await cluster.bay('inspect', '--type', 'pod', 'one'), {
      code: 2,
      stderr: /--type 'pod'/,
    });
  });

  await t.test('are there at rest, too', async (t) => {
    await bay('stop', '-t', '0', 'one');
    t.equal(await bay('inspect', '-f', '{{.State.Status}} {{.State.Pid}}', 'one'), 'exited 0\n');
    t.match(await bay('diff', 'one'), /^D \/etc\/group$/m);
    writeFileSync(here('rest'), 'while at rest');
    await bay('cp', here('rest'), 'one:/d/rest');
    await bay('cp', 'one:/d/rest', here('again'));
    t.equal(readFileSync(here('again'), 'utf8'), 'while at rest');
    t.match(await bay('commit', 'one', 'rested:1'), /^sha256:/);
    await bay('start', 'one');
    t.equal(await bay('exec', 'one', 'cat', '/d/rest'), 'while at rest');
    await bay('rm', '-f', 'one', 'two');
  });

  await t.test('become as they were, with their volumes by choice', async (t) => {
    await bay('run', '-d', '--name', 'base', image, 'sleep', '3600');
    await bay('exec', 'base', 'sh', '-c', 'mkdir /data; echo of the image >/data/from');
    await bay('commit', '-c', 'VOLUME /data', 'base', 'withvolume:1');
    await bay(
      'run',
      '-d',
      '--name',
      'db',
      '-v',
      '/own',
      '-v',
      'shared:/shared',
      'withvolume:1',
      'sleep',
      '3600',
    );
    const sh = (line: string) => bay('exec', 'db', 'sh', '-c', line);
    t.equal(
      await sh('cat /data/from'),
      'of the image\n',
      'a volume begins with what the image has',
    );
    await sh(
      'echo one >/etc/mark; rm /etc/group; echo 1 >/data/n; rm /data/from; echo 1 >/own/n; echo 1 >/shared/n',
    );
    t.equal(await bay('snapshot', '--volumes', '-m', 'good', 'db', 'good'), 'good\n');
    await sh(
      'echo two >/etc/mark; touch /etc/group /etc/more; echo 2 >/data/n; echo 2 >/own/n; echo 2 >/shared/n',
    );
    await bay('stop', '-t', '0', 'db');
    await bay('start', 'db');
    t.equal(await sh('cat /own/n /shared/n'), '2\n2\n', 'volumes of the document stay, too');
    const look =
      'cat /etc/mark /data/n /own/n /shared/n; ls /etc/group /etc/more /data/from 2>/dev/null || true';
    await bay('rollback', '-t', '0', 'db', 'good');
    t.equal(await sh(look), 'one\n2\n2\n2\n', 'the layer alone');
    await bay('rollback', '-t', '0', '--volumes', 'db', 'good');
    t.equal(await sh(look), 'one\n1\n1\n2\n', 'and the volumes of its own');
    t.match(await bay('diff', 'db'), /^D \/etc\/group$/m);

    const snapshot = JSON.parse(
      (await cluster.kubectl('get', 'snapshot', 'good', '-o', 'json')).stdout,
    );
    const { digest } = snapshot.status;
    t.equal(
      await bay('run', '--rm', digest, 'sh', '-c', 'cat /etc/mark /data/n /own/n; ls /data'),
      'one\n1\n1\nn\n',
      'a new container of it has all of it',
    );
    const other = await cluster.bay('rollback', '-t', '0', 'base', 'good');
    t.match(other, { code: 1, stderr: /no snapshot of this container/ });
    t.equal(await bay('exec', 'base', 'cat', '/data/from'), 'of the image\n', 'and it goes on');
    t.match(await cluster.bay('rollback', 'db', 'nothing'), { code: 1, stderr: /no such image/ });

    await bay('snapshot', '--every', '2s', '--keep', '2', '--expire', '1h', 'db', 'often');
    const images = async () =>
      (await bay('images', '--format', '{{.Tag}}', 'bayplan.local/snapshots/db')).match(/often-/g)
        ?.length;
    const later = async () => {
      const { stdout } = await cluster.kubectl('get', 'snapshots', '-o', 'name');
      return [...(stdout.match(/often-\w+/g) ?? [])].sort();
    };
    const first = await waitFor('two snapshots', async () => {
      const names = await later();
      return names.length >= 2 ? names : undefined;
    });
    await waitFor('the first to go', async () =>
      (await later()).includes(first[0] ?? '') ? undefined : true,
    );
    await cluster.kubectl('delete', 'snapshot', 'often');
    await waitFor('their images to go with them', async () =>
      ((await images()) ?? 0) <= 3 ? true : undefined,
    );
    await bay('rm', '-f', 'db', 'base');
    await bay('run', '-d', '--name', 'again', '-v', 'shared:/shared', image, 'sleep', '3600');
    t.equal(
      await bay('exec', 'again', 'cat', '/shared/n'),
      '2\n',
      'a volume with a name outlives containers',
    );
    await bay('rm', '-f', 'again');
  });
});
