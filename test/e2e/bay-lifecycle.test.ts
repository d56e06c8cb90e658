/** Docker's commands on single containers. */
import t from 'tap';
import { TestCluster, waitFor } from '../support/cluster.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(120_000);

t.test('containers are stopped, started and removed', { timeout: 110_000 }, async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const phase = async (name: string) => JSON.parse(await good('inspect', name))[0].status.phase;

  const script = 'trap "exit 7" TERM; while :; do sleep 0.1; done';
  await good('run', '-d', '--name', 'web', image, 'sh', '-c', script);
  const refused = await cluster.bay('rm', 'web');
  t.equal(refused.code, 1);
  t.match(refused.stderr, /cannot remove container "web": container is running/);
  t.equal(await good('stop', 'web'), 'web\n');
  t.equal(await phase('web'), 'exited');
  t.equal(await good('wait', 'web'), '7\n');
  t.equal(await good('start', 'web'), 'web\n');
  t.equal(await phase('web'), 'running');
  t.equal(await good('restart', 'web'), 'web\n');
  t.equal(await phase('web'), 'running');
  t.equal(await good('kill', 'web'), 'web\n');
  const again = await cluster.bay('kill', 'web');
  t.match(again.stderr, /container is not running/);
  t.equal(await good('rm', 'web'), 'web\n');

  const lines = 'for i in 1 2 3; do echo $i; done; echo err >&2; sleep 3600';
  await good('run', '-d', '--name', 'says', '-v', '/own', image, 'sh', '-c', lines);
  await waitFor('the lines', async () =>
    (await good('logs', 'says')).endsWith('err\n') ? true : undefined,
  );
  t.equal(await good('logs', '-n', '2', 'says'), '3\nerr\n', 'a number is no namespace');
  t.equal(await good('logs', '-n', 'default', '--tail', '1', 'says'), 'err\n');
  t.equal(await good('logs', '--until', '1h', 'says'), '');
  t.equal(await good('logs', '--since', '1h', '--until', '0', 'says'), '1\n2\n3\nerr\n');
  const stamped = await good('logs', '-t', 'says');
  const [, second = '', third = ''] = stamped.split('\n').map((line) => line.split(' ')[0]);
  t.match(second, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  t.equal(await good('logs', '--until', '2020-01-02', 'says'), '');
  t.ok((await good('logs', '--since', third, 'says')).endsWith('err\n'));
  t.equal(await good('rm', '-fv', 'says'), 'says\n');
  t.match(await cluster.bay('rm', '-f', 'says'), { code: 0, stderr: /No such container: says/ });
  t.match(await cluster.bay('rm', 'says'), { code: 1, stderr: /No such container: says/ });

  await good('run', '-d', '--name', 'once', image, 'true');
  t.equal(await good('wait', 'once'), '0\n');
  t.equal(await good('start', 'once'), 'once\n', 'an ended container runs again');
  t.equal(await good('rm', '-f', 'once'), 'once\n');
  const { code, stderr } = await cluster.bay('stop', 'nobody', 'nothing');
  t.equal(code, 1);
  t.equal(stderr.trim().split('\n').length, 2, 'each failure is told');
});

t.test('what a container wrote stays with it, however often it ran', async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const good = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const shows = (text: string, ...args: string[]) =>
    waitFor(`the log to be ${JSON.stringify(text)}`, async () =>
      (await good('logs', ...args, 'counts')) === text ? true : undefined,
    );
  const count = 'echo x >> /n; for i in 1 2; do echo $(wc -l < /n).$i; done; exec sleep 1d';
  await good('run', '-d', '--name', 'counts', image, 'sh', '-c', count);
  await shows('1.1\n1.2\n');
  await good('stop', '-t', '0', 'counts');
  t.equal(await good('logs', 'counts'), '1.1\n1.2\n', 'at rest');
  t.equal(await good('logs', '-f', 'counts'), '1.1\n1.2\n', 'nothing more will come');
  await good('start', 'counts');
  await shows('1.1\n1.2\n2.1\n2.2\n');
  await good('restart', '-t', '0', 'counts');
  await shows('1.1\n1.2\n2.1\n2.2\n3.1\n3.2\n');
  await shows('2.2\n3.1\n3.2\n', '-n', '3');
  await shows('', '-n', '0');
  await shows('1.1\n1.', '--limit-bytes', '6');
  await shows('2.1\n2.2\n', '--previous');
  for (let run = 4; run < 9; run += 1) {
    await good('restart', '-t', '0', 'counts');
    await shows(`${run}.2\n`, '-n', '1');
  }
  const all = await good('logs', 'counts');
  t.match(all, /^3\.1\n3\.2\n(.*\n)*8\.2\n$/, 'the last five and the one that runs');
  await good('rm', '-f', 'counts');
  await good('run', '-d', '--name', 'counts', image, 'echo', 'another');
  await shows('another\n');
});
