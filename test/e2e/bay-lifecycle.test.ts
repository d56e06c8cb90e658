/** Docker's commands on single containers. */
import t from 'tap';
import { TestCluster } from '../support/cluster.ts';

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
  const phase = async (name: string) => JSON.parse(await good('inspect', name)).status.phase;

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

  await good('run', '-d', '--name', 'once', image, 'true');
  t.equal(await good('wait', 'once'), '0\n');
  t.equal(await good('start', 'once'), 'once\n', 'an ended container runs again');
  t.equal(await good('rm', '-f', 'once'), 'once\n');
  const { code, stderr } = await cluster.bay('stop', 'nobody', 'nothing');
  t.equal(code, 1);
  t.equal(stderr.trim().split('\n').length, 2, 'each failure is told');
});
