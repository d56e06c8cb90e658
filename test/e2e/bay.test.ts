/** The command-line tool beside what docker's users expect of it. */
import t from 'tap';
import { TestCluster } from '../support/cluster.ts';
import { leftOver, machine } from '../support/machine.ts';
import { documentCommands } from './document-commands.ts';

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

  await t.test('run -i ends its input where ours ends, and has all output', async (t) => {
    const lines = `${Array.from({ length: 20_000 }, (_, i) => `line ${i}`).join('\n')}\n`;
    const piped = await cluster.bayInput(lines, 'run', '--rm', '-i', image, 'cat');
    t.equal(piped.stdout, lines);
    t.equal(piped.code, 0, piped.stderr);
    const script = 'echo early; wc -l; echo late >&2; exit 4';
    const counted = await cluster.bayInput(lines, 'run', '--rm', '-i', image, 'sh', '-c', script);
    t.strictSame(counted, { code: 4, stdout: 'early\n20000\n', stderr: 'late\n' });
    const unread = await cluster.bayInput(lines, 'run', '--rm', '-i', image, 'true');
    t.equal(unread.code, 0, unread.stderr);
    for (const [input, code] of [['one', 0] as const, ['two', 0] as const]) {
      const first = input === 'one' ? ['run', '-i', '--name', 'again', image, 'cat'] : undefined;
      const again = await cluster.bayInput(input, ...(first ?? ['start', '-ai', 'again']));
      t.strictSame(again, { code, stdout: input, stderr: '' });
    }
    await good('rm', 'again');
  });

  await t.test('run -t and -it show what was written before they were there', async (t) => {
    const shown = await cluster.bay('run', '--rm', '-t', image, 'sh', '-c', 'tty; exit 5');
    t.strictSame(shown, { code: 5, stdout: '/dev/pts/0\r\n', stderr: '' });
    const script = 'echo at once; exit 6';
    const quick = await cluster.bayOnTerminal('', 'run', '--rm', '-it', image, 'sh', '-c', script);
    t.match(quick, { code: 6, stdout: /^at once\r+\n/ });
    const typed = await cluster.bayOnTerminal(
      'echo $((6*7))\nexit 8\n',
      'run',
      '--rm',
      '-it',
      image,
    );
    t.match(typed, { code: 8, stdout: /\n42\r+\n/ });
    const piped = await cluster.bayInput('', 'run', '--rm', '-it', image, 'true');
    t.match(piped, { code: 1, stderr: /the input device is not a TTY/ });
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

  await t.test('kubectl’s commands', (t) => documentCommands(t, cluster));

  await t.test('version and info tell what runs here', async (t) => {
    t.match(await good('--version'), /^bay: v\d.*Node v24.*\nserver: v1\.36\.\d.*https:/);
    const { serverVersion } = JSON.parse(await good('version', '-o', 'json'));
    t.match(serverVersion, { major: '1', minor: '36' });
    t.notMatch(await good('version', '--client'), /server/);
    const info = await good('info');
    t.match(info, /^Containers: 0\n Running: 0\n Paused: 0\n Stopped: 0\n/m);
    t.match(info, /^Nodes: 1\n \S+: Ready\n {2}Pods: \d+\n {2}Images: 1\n/m);
  });

  await t.test('status shows the parts, image ls the built-in image', async (t) => {
    t.match(await good('status'), /etcd +\d+ +running/);
    t.match(await good('image', 'ls'), /bayplan.local\/busybox +latest/);
  });

  await t.test('mistakes are told in one line with a hint', async (t) => {
    for (const [args, message] of [
      [['nonsense'], /there is no command 'nonsense'; see 'bay help'/],
      [['get', 'nonsense'], /the server doesn't have a resource type "nonsense"/],
      [['logs', 'nobody'], /^bay: No such container: nobody\n$/],
      [['run', '-m', 'lots', image], /-m 'lots': a number with b, k, m or g/],
      [['apply', '-f', '/nowhere.yaml'], /nowhere\.yaml/],
    ] as const) {
      const { code, stderr } = await cluster.bay(...args);
      t.equal(code, args[0] === 'run' ? 125 : code || -1);
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
  t.strictSame(await leftOver(before), {});
});
