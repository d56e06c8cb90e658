/** What `bay run`'s flags make of a container, seen from inside it: flag, document, Pod, agent, kernel. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { TestCluster } from '../support/cluster.ts';
import { proxiedSignals } from './proxied-signals.ts';
import { runPublished } from './published-ports.ts';
import { runOptionCases } from './run-option-cases.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(300_000);

t.test('every flag of bay run, from inside', async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  for (const { flags, look, seen } of runOptionCases) {
    await t.test(flags.join(' '), async (t) => {
      const { code, stdout, stderr } = await cluster.bay(
        'run',
        '--rm',
        ...flags,
        image,
        'sh',
        '-c',
        look,
      );
      if (typeof seen === 'string') t.equal(stdout, seen, stderr);
      else t.match(stdout, seen, stderr);
      t.ok(code < 2, stderr);
    });
  }

  await t.test('the node’s network and ipc', async (t) => {
    const look = 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc';
    const own = await cluster.bay('run', '--rm', image, 'sh', '-c', look);
    const host = await cluster.bay(
      'run',
      '--rm',
      '--network',
      'host',
      '--ipc',
      'host',
      image,
      'sh',
      '-c',
      look,
    );
    const [net, ipc] = host.stdout.split('\n');
    const [ownNet, ownIpc] = own.stdout.split('\n');
    t.match(net, /^net:/, host.stderr);
    t.not(net, ownNet);
    t.not(ipc, ownIpc);
  });

  await t.test('what cannot be had is told at once, with flag, field or file', async (t) => {
    const wrong: [string[], RegExp][] = [
      [['--group-add', 'nobodys'], /\/etc\/group has no 'nobodys'/],
      [
        ['--sysctl', 'vm.swappiness=1'],
        /forbidden sysctl: .*vm.swappiness.*belongs to no namespace/,
      ],
      [['--sysctl', 'net.core.somaxconn=1', '--network', 'host'], /belongs to the host's network/],
      [['--device', '/etc/passwd:/dev/x'], /device \/etc\/passwd: it is no device/],
      [['--security-opt', 'seccomp=../x'], /localhostProfile/],
      [['--cap-add', 'FLY'], /FLY/],
      [['--ulimit', 'nofile=9:3'], /soft limit is above the hard/],
      [['--hostname', 'UPPER_case'], /spec.hostname/],
      [['--workdir', 'relative'], /needs to be an absolute path/],
      [['--pid', 'container:x'], /No such container: x/],
    ];
    for (const [flags, message] of wrong) {
      const { code, stderr } = await cluster.bay('run', '--rm', ...flags, image, 'true');
      t.ok([1, 2, 125].includes(code), `${flags.join(' ')}: ${code}`);
      t.match(stderr, message);
    }
  });

  await t.test('a program that is not there or not executable: 127 and 126', async (t) => {
    const missing = await cluster.bay('run', '--rm', image, 'no-such-program');
    t.equal(missing.code, 127);
    t.match(missing.stderr, /"no-such-program": executable file not found in \$PATH/);
    const closed = await cluster.bay('run', '--rm', image, '/etc/passwd');
    t.equal(closed.code, 126);
    t.match(closed.stderr, /"\/etc\/passwd": permission denied/);
  });

  await t.test('-P and -p without a port of the node: free ones, that lead there', async (t) => {
    await runPublished(t, cluster, image);
  });

  await t.test('signals to the tool, with and without --sig-proxy', async (t) => {
    await proxiedSignals(t, cluster, image);
  });

  await t.test('--env-file and --label-file; a bad line is told with its place', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'bay-env-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const good = join(folder, 'good');
    writeFileSync(good, '# said\n\nA=one two=three\n  B=x\n');
    const { stdout, stderr } = await cluster.bay(
      'run',
      '--rm',
      '--env-file',
      good,
      '-e',
      'B=y',
      image,
      'sh',
      '-c',
      'echo "$A|$B"',
    );
    t.equal(stdout, 'one two=three|y\n', stderr);
    const bad = join(folder, 'bad');
    writeFileSync(bad, 'A=1\n=2\n');
    const refused = await cluster.bay('run', '--env-file', bad, image);
    t.equal(refused.code, 125);
    t.match(refused.stderr, `${bad}:2 '=2': the name is missing`);
  });

  await t.test('--stop-signal and --stop-timeout', async (t) => {
    const script = 'trap "echo caught; exit 7" USR1; echo up; while :; do sleep 0.1; done';
    await cluster.bay(
      'run',
      '-d',
      '--name',
      'asked',
      '--stop-signal',
      'usr1',
      image,
      'sh',
      '-c',
      script,
    );
    t.equal((await cluster.bay('stop', 'asked')).code, 0);
    const [{ status: told }] = JSON.parse((await cluster.bay('inspect', 'asked')).stdout);
    t.equal(told.exitCode, 7);
    const deaf = 'trap "" TERM; while :; do sleep 0.1; done';
    await cluster.bay(
      'run',
      '-d',
      '--name',
      'deaf',
      '--stop-timeout',
      '0',
      image,
      'sh',
      '-c',
      deaf,
    );
    t.equal((await cluster.bay('stop', 'deaf')).code, 0);
    t.equal(JSON.parse((await cluster.bay('inspect', 'deaf')).stdout)[0].status.exitCode, 137);
    await cluster.bay('rm', '-f', 'asked', 'deaf');
  });
});
