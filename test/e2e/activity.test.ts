/** Docker's operations on containers that run, through `bay`, on a whole cluster. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { run, TestCluster, waitFor } from '../support/cluster.ts';
import { asDockerHasIt } from './exec-cases.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(240_000);

t.test('containers that run', async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const bay = async (...args: string[]) => {
    const { code, stdout, stderr } = await cluster.bay(...args);
    t.equal(code, 0, `bay ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const refused = async (pattern: RegExp, ...args: string[]) => {
    const { code, stderr } = await cluster.bay(...args);
    t.equal(code, args[0] === 'run' ? 125 : 1, `bay ${args.join(' ')}`);
    t.match(stderr, pattern);
  };
  const count = 'i=0; while true; do i=$((i+1)); echo $i >/m; mv /m /n; sleep 0.02; done';
  const id = (
    await bay('run', '-d', '--name', 'web', '-p', '18080:80', image, 'sh', '-c', count)
  ).trim();
  const n = async () => Number(await bay('exec', 'web', 'cat', '/n'));

  await t.test('stand still while paused, over the death of the agent, too', async (t) => {
    await bay('pause', 'web');
    t.match(await bay('ps'), /Up .* \(Paused\)/);
    await refused(/already paused/, 'pause', 'web');
    const { code, stderr } = await cluster.bay('exec', 'web', 'true');
    t.not(code, 0);
    t.match(stderr, /paused/);
    const before = cluster.state()?.parts['agent'] ?? 0;
    process.kill(before, 'SIGKILL');
    await waitFor('another agent', async () => {
      const now = cluster.state()?.parts['agent'];
      return now !== undefined && now !== before ? true : undefined;
    });
    await waitFor('its API', async () =>
      (await cluster.bay('top', 'web')).code === 0 ? true : undefined,
    );
    t.match(await bay('ps'), /\(Paused\)/);
    await bay('unpause', 'web');
    const seen = await n();
    await waitFor('it to go on', async () => ((await n()) > seen ? true : undefined));
    await refused(/is not paused/, 'unpause', 'web');
  });

  await t.test('are told of: processes, use, ports', async (t) => {
    const top = (await bay('top', 'web')).split('\n');
    t.match(top[0], /^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/);
    t.match(top[1], /^root .*sh -c i=0/);
    t.match(await bay('top', 'web', '-o', 'pid,comm'), /^PID +COMMAND\n\d+ +sh\n/);
    await refused(/no column/, 'top', 'web', '-o', 'hue');
    const stats = await bay(
      'stats',
      '--no-stream',
      '--format',
      '{{.Name}} {{.PIDs}} {{.MemUsage}}',
    );
    // With what it reads of its image and nobody before it had read.
    t.match(stats, /^web [12] [\d.]+[KM]iB \/ /);
    t.equal(await bay('port', 'web'), '80/tcp -> 0.0.0.0:18080\n');
    t.equal(await bay('port', 'web', '80'), '0.0.0.0:18080\n');
    await refused(/no public port '81' published for web/, 'port', 'web', '81');
  });

  await t.test('get other limits and another policy, and are not started anew', async (t) => {
    const pid = async () => (await bay('top', 'web', '-o', 'pid')).split('\n')[1];
    const before = await pid();
    await bay('update', '-m', '64m', '--cpus', '0.5', '--pids-limit', '50', 'web');
    t.match(await bay('stats', '--no-stream', '--format', '{{.MemUsage}}'), /\/ 64MiB$/m);
    await bay('update', '-m', '0', 'web');
    t.notMatch(await bay('stats', '--no-stream', '--format', '{{.MemUsage}}'), /64MiB/);
    t.equal(await pid(), before);
    await bay('update', '--restart', 'always', 'web');
    t.equal(await pid(), before);
    process.kill(Number(before), 'SIGKILL');
    await waitFor('the new policy to start it again', async () => {
      const { code, stdout } = await cluster.bay('top', 'web', '-o', 'pid');
      return code === 0 && stdout.split('\n')[1] !== before ? true : undefined;
    });
    const none = await cluster.bay('update', 'web');
    t.equal(none.code, 2);
    t.match(none.stderr, /one or more flags/);
  });

  await t.test('are called otherwise', async (t) => {
    await bay('rename', 'web', 'My_Web');
    t.match(await bay('ps'), /My_Web$/m);
    t.equal((await bay('ps', '-q', '--no-trunc')).trim(), id, 'the ID stays');
    t.ok(Number(await bay('exec', 'My_Web', 'cat', '/n')) > 0);
    t.ok(Number(await bay('exec', id.slice(0, 8), 'cat', '/n')) > 0, 'an ID is a name, too');
    await bay('run', '-d', '--name', 'web', image, 'sleep', '3600');
    await refused(
      /Conflict. The container name "\/My_Web" is already in use/,
      'rename',
      'web',
      'My_Web',
    );
    await refused(/already in use/, 'run', '-d', '--name', 'web', image, 'true');
    await bay('kill', '-s', 'USR1', 'web');
    await refused(/Invalid signal: HUE/, 'kill', '-s', 'HUE', 'web');
    await bay('rm', '-f', 'web', 'My_Web');
    await refused(/No such container: web/, 'stop', 'web');
  });

  await t.test('are attached to and left by the keys, which end nothing', async (t) => {
    await bay('run', '-d', '-it', '--name', 'shell', image, 'sh');
    const env = {
      BAY_NAME: cluster.name,
      BAY_DATA_DIR: cluster.dataDir,
      BAY_RUN_DIR: cluster.runDir,
    };
    const attach = (input: string, ...args: string[]) =>
      run('./bay', ['attach', ...args, 'shell'], { input, env });
    const gone = await attach('echo hello >/said\n\u0010\u0011');
    t.match(gone, { code: 0, stderr: /read escape sequence/ });
    await waitFor('the line', async () =>
      (await cluster.bay('exec', 'shell', 'cat', '/said')).stdout === 'hello\n' ? true : undefined,
    );
    t.match(await attach('\u0001', '--detach-keys', 'ctrl-a'), { code: 0 });
    t.equal((await attach('exit 7\n')).code, 7, 'the exit code is the container’s');
    await refused(/stopped container/, 'attach', 'shell');
    t.equal((await attach('', '--detach-keys', 'ctrl-?')).code, 2);
    const typed = (input: string, ...args: string[]) => run('./bay', args, { input, env });
    const again = await typed('cat /said; exit 3\n', 'start', '-ai', 'shell');
    t.equal(again.code, 3, 'started, with what is typed');
    t.match(again.stdout, /hello/);
    t.match(await typed('\u0010\u0011', 'start', '-ai', 'shell'), { code: 0 });
    t.match(await bay('ps', '-f', 'name=shell'), /Up/);
    const inside = spawn('./bay', ['exec', '-it', '--detach-keys', 'ctrl-a', 'shell', 'sh'], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const ended = once(inside, 'exit');
    const said = text(inside.stderr);
    inside.stdin.write('echo it >/typed\n');
    await waitFor('what was typed', async () =>
      (await cluster.bay('exec', 'shell', 'cat', '/typed')).stdout === 'it\n' ? true : undefined,
    );
    inside.stdin.write('\u0001');
    t.equal((await ended)[0], 0);
    t.match(await said, /read escape sequence/);
    const left = await cluster.bayOnTerminal(
      '\u0001',
      'run',
      '-it',
      '--rm',
      '--detach-keys=ctrl-a',
      '--name',
      'left',
      image,
      'sh',
    );
    t.match(left, { code: 0 });
    t.match(await bay('ps', '-f', 'name=left'), /Up/, 'it goes on');
    await bay('kill', 'left');
    await waitFor('its removal', async () =>
      (await bay('ps', '-a', '-q', '-f', 'name=left')) === '' ? true : undefined,
    );
    await bay('create', '--name', 'says', image, 'sh', '-c', 'echo out; echo err >&2; exit 4');
    t.match(await cluster.bay('start', '-a', 'says'), { code: 4, stdout: /out\n/ });
    t.match(await cluster.bay('start', '-a', 'says', 'shell'), {
      code: 1,
      stderr: /you cannot start and attach multiple containers at once/,
    });
    await bay('rm', '-f', 'shell', 'says');
  });

  await t.test('stand still while an image is made of them, and go on', async (t) => {
    const write = 'while true; do i=$((i+1)); echo $i >>/a; echo $i >>/b; done';
    await bay('run', '-d', '--name', 'busy', image, 'sh', '-c', write);
    for (const pause of ['true', 'false']) {
      const id = (await bay('commit', `--pause=${pause}`, 'busy')).trim();
      const seen = await bay('run', '--rm', id, 'sh', '-c', 'echo $(wc -l </a) $(wc -l </b)');
      const [a = 0, b = 0] = seen.split(' ').map(Number);
      if (pause === 'true') t.ok(a === b || a === b + 1, `one moment: ${a}, ${b}`);
    }
    const now = async () => Number(await bay('exec', 'busy', 'sh', '-c', 'wc -l </b'));
    const before = await now();
    await waitFor('it to go on', async () => ((await now()) > before ? true : undefined));
    await bay('rm', '-f', 'busy');
  });

  await t.test('are made without being started', async (t) => {
    const made = (await bay('create', '--name', 'later', image, 'echo', 'hi')).trim();
    t.match(made, /^[a-f0-9]{64}$/);
    t.match(await bay('ps', '-a', '-f', 'name=later'), /Created/);
    await bay('start', 'later');
    const said = await waitFor(
      'what it says',
      async () => (await bay('logs', 'later')) || undefined,
    );
    t.equal(said, 'hi\n');
  });

  await t.test('run what is asked of them as docker has it', (t) =>
    asDockerHasIt(t, { cluster, bay }),
  );

  await t.test('tell their health, by the check of their image', async (t) => {
    await bay('run', '-d', '--name', 'plain', image, 'sleep', '3600');
    const check = 'HEALTHCHECK --interval=1s --retries=2 CMD test ! -e /ill';
    await bay('commit', '-c', check, 'plain', 'checked:1');
    await bay('run', '-d', '--name', 'checked', 'checked:1', 'sleep', '3600');
    const shows = (text: string) =>
      waitFor(text, async () => ((await bay('ps')).includes(text) ? true : undefined));
    await shows('(healthy)');
    await bay('exec', 'checked', 'touch', '/ill');
    await shows('(unhealthy)');
    await bay('exec', 'checked', 'rm', '/ill');
    await shows('(healthy)');
    t.match(await bay('ps', '-f', 'health=none'), /plain/);
    t.match(await bay('diff', 'busybox', 'checked:1'), /^$/, 'only its configuration is another');
    await bay('exec', 'plain', 'sh', '-c', 'echo x >/etc/mark; rm /etc/group');
    await bay('commit', 'plain', 'changed:1');
    t.equal(await bay('diff', 'busybox', 'changed:1'), 'C /etc\nD /etc/group\nA /etc/mark\n');
    await bay('rm', '-f', 'plain', 'checked');
  });
});
