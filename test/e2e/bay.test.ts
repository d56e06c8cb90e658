/** The command-line tool beside what docker's users expect of it. */
import t from 'tap';
import { TestCluster } from '../support/cluster.ts';
import { leftOver, machine } from '../support/machine.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(280_000);
const before = machine();

t.test('containers by bay', { timeout: 180_000 }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };

  await t.test('run in the foreground shows the output and has the exit code', async (t) => {
    const done = await cluster.bay('run', '--rm', image, 'sh', '-c', 'echo out; exit 3');
    t.equal(done.stdout, 'out\n');
    t.equal(done.code, 3, done.stderr);
    t.equal((await good('ps', '-a', '-q')).trim(), '', '--rm takes the document away');
  });

  await t.test('run -d prints an ID; ps, logs and exec find the container', async (t) => {
    const id = await good(
      'run',
      '-d',
      '--name',
      'web',
      '-e',
      'A=b',
      image,
      'sh',
      '-c',
      'echo hi; sleep 1d',
    );
    t.match(id, /^[0-9a-f]{64}\n$/);
    t.match(await good('ps'), new RegExp(`${id.slice(0, 12)} +${image} .*Up .* web`));
    t.equal(await good('logs', 'web'), 'hi\n');
    t.equal(await good('exec', 'web', 'sh', '-c', 'echo $A'), 'b\n');
    t.equal((await cluster.bay('exec', 'web', 'false')).code, 1);
    t.match(await good('get', 'containers'), /web/);
    t.match(await good('get', 'container/web', '-o', 'yaml'), /image: bayplan/);
    t.match(await good('delete', 'container', 'web'), /container.bayplan.dev "web" deleted/);
  });

  await t.test('status shows the parts, image ls the built-in image', async (t) => {
    t.match(await good('status'), /etcd +\d+ +running/);
    t.match(await good('image', 'ls'), /bayplan.local\/busybox:latest/);
  });

  await t.test('mistakes are told in one line with a hint', async (t) => {
    for (const [args, message] of [
      [['nonsense'], /there is no command 'nonsense'; see 'bay help'/],
      [['get', 'nonsense'], /the server has no type 'nonsense'/],
      [['logs', 'nobody'], /"nobody" not found/],
      [['run', '-m', 'lots', image], /-m 'lots': a number with b, k, m or g/],
      [['apply', '-f', '/nowhere.yaml'], /nowhere\.yaml/],
    ] as const) {
      const { code, stderr } = await cluster.bay(...args);
      t.not(code, 0);
      t.match(stderr, message);
      t.equal(stderr.trim().split('\n').length, 1, stderr);
    }
  });

  await t.test('a second up of the same cluster is refused', async (t) => {
    const { code, stderr } = await cluster.bay('up');
    t.equal(code, 1);
    t.match(stderr, /the cluster is up already/);
  });

  await t.test('down stops it, up --detach brings the documents back, reset ends it', async (t) => {
    await good('run', '-d', '--name', 'stays', '--restart', 'always', image, 'sleep', '1d');
    await good('down');
    t.match((await cluster.bay('status')).stdout, /is not up/);
    const up = await cluster.bay('up', '--detach');
    t.equal(up.code, 0, up.stderr + up.stdout);
    t.match(await good('get', 'container', 'stays', '-o', 'name'), /stays/);
    t.match(await good('reset', '--yes'), /is gone/);
  });
});

t.test('afterwards the machine is as it was', async (t) => {
  t.strictSame(await leftOver(before, 10_000), {});
});
