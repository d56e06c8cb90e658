/** The life of a bundle's container (runtime.md): each operation from each state, and what is left. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { until } from '../container/node.ts';
import { namespaces, Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-life')());
const parent = (pid: number) =>
  / \d+ \((.*)\) (\S) (\d+) /.exec(` ${readFileSync(`/proc/${pid}/stat`, 'utf8')}`)?.[3];

t.test('create, start, kill, delete, with the state in between', async (t) => {
  const bundle = rig.bundle(['sleep', '1000'], { annotations: { 'org.example': 'x' } });
  const pidFile = `${bundle}/pid`;
  await rig.ok(['create', '--bundle', bundle, '--pid-file', pidFile, 'one']);
  const created = await rig.state('one');
  t.match(created, {
    ociVersion: '1.2.0',
    id: 'one',
    status: 'created',
    bundle,
    annotations: { 'org.example': 'x' },
  });
  t.equal(readFileSync(pidFile, 'utf8'), String(created.pid));
  t.not(parent(created.pid), undefined);
  t.match((await rig.run(['delete', 'one'])).stderr, /cannot delete container one .* created/);
  t.match((await rig.run(['create', '-b', bundle, 'one'])).stderr, /exists already/);
  // What create was given counts, whatever becomes of the file.
  writeFileSync(`${bundle}/config.json`, 'no more');
  await rig.ok(['start', 'one']);
  t.equal((await rig.state('one')).status, 'running');
  t.match((await rig.run(['start', 'one'])).stderr, /cannot start container one: it is running/);
  t.match((await rig.run(['delete', 'one'])).stderr, /not stopped: running/);
  t.equal((await rig.state('one')).pid, created.pid, 'failures change nothing');
  await rig.ok(['kill', 'one', 'KILL']);
  await until('stopped', async () => (await rig.state('one')).status === 'stopped');
  t.match((await rig.run(['kill', 'one', 'TERM'])).stderr, /container not running/);
  t.match((await rig.run(['start', 'one'])).stderr, /it is stopped/);
  await rig.ok(['delete', 'one']);
  t.equal(existsSync(`${rig.root}/one`), false);
  for (const [command, ...more] of [
    ['state'],
    ['start'],
    ['kill', 'TERM'],
    ['delete'],
    ['pause'],
    ['exec', 'ls'],
  ]) {
    const { code, stderr } = await rig.run([command ?? '', 'one', ...more]);
    t.not(code, 0);
    t.match(stderr, /container "one" does not exist/, `${command}`);
  }
  t.equal((await rig.run(['delete', '--force', 'one'])).code, 0, 'as runc has it');
});

t.test('run ends as its program did, and leaves nothing', async (t) => {
  const { code, stdout } = await rig.run(
    ['run', '-b', rig.bundle(['sh', '-c', 'cat; hostname; exit 7']), 'two'],
    {
      stdin: 'from stdin\n',
    },
  );
  t.equal(code, 7);
  t.equal(stdout, 'from stdin\nbundle\n');
  t.equal(existsSync(`${rig.root}/two`), false);
  const missing = await rig.run(['run', '-b', rig.bundle(['nowhere']), 'four']);
  t.equal(missing.code, 127);
  t.match(missing.stderr, /exec: "nowhere": executable file not found in \$PATH/);
  const broken = await rig.run(['run', '-b', rig.bundle(['/etc/not-executable']), 'five']);
  t.equal(broken.code, 126);
  t.match(broken.stderr, /permission denied/i);
  t.equal(await rig.ok(['list', '-q']), '');
});

t.test('a bundle without process can be created, not started', async (t) => {
  await rig.ok(['create', '-b', rig.bundle(undefined), 'idle']);
  t.match((await rig.run(['start', 'idle'])).stderr, /its config.json had no process/);
  t.equal((await rig.state('idle')).status, 'created');
  await rig.ok(['delete', '-f', 'idle']);
});

t.test('pause, resume, ps, list, update, events', async (t) => {
  const bundle = rig.bundle(['sh', '-c', 'sleep 1000 & wait']);
  await rig.ok(['run', '-d', '-b', bundle, 'many']);
  await until(
    'two processes',
    async () => JSON.parse(await rig.ok(['ps', '-f', 'json', 'many'])).length === 2,
  );
  t.match(await rig.ok(['ps', 'many']), /PID[\s\S]*sleep 1000/);
  await rig.ok(['pause', 'many']);
  t.match(JSON.parse(await rig.ok(['list', '-f', 'json'])), [
    { id: 'many', status: 'paused', bundle },
  ]);
  t.match((await rig.run(['pause', 'many'])).stderr, /is paused, not running/);
  t.match((await rig.run(['exec', 'many', 'true'])).stderr, /the container is paused/);
  await rig.ok(['resume', 'many']);
  t.match((await rig.run(['resume', 'many'])).stderr, /is running, not paused/);
  await rig.ok(['update', '--pids-limit', '20', 'many']);
  t.match(JSON.parse(await rig.ok(['events', '--stats', 'many'])), {
    type: 'stats',
    id: 'many',
    data: { pids: { current: 2, limit: 20 } },
  });
  await rig.ok(['update', '--resources', '-', 'many'], { stdin: '{"pids":{"limit":30}}' });
  t.match(await rig.ok(['events', '--stats', 'many']), '"limit":30');
  t.match(
    (await rig.run(['update', '-r', '-', 'many'], { stdin: '{"pids":{"limit":"x"}}' })).stderr,
    /pids.limit: expected/,
  );
  await rig.ok(['pause', 'many']);
  await rig.ok(['delete', '--force', 'many']);
  t.equal(await rig.ok(['list', '-q']), '');
});

t.test('what cannot be is refused before anything is made', async (t) => {
  const bundle = rig.bundle(['true']);
  const refused = async (wanted: RegExp, ...words: string[]) =>
    t.match((await rig.run(words)).stderr, wanted);
  await refused(/unknown flag --nope/, 'create', '--nope', 'x');
  await refused(/expected the id/, 'create', '-b', bundle);
  await refused(/is no id/, 'create', '-b', bundle, '../x');
  await refused(/--no-pivot/, 'create', '-b', bundle, '--no-pivot', 'x');
  await refused(
    /--console-socket: the process does not ask/,
    'create',
    '-b',
    bundle,
    '--console-socket',
    '/x',
    'x',
  );
  await refused(/--systemd-cgroup/, '--systemd-cgroup', 'create', '-b', bundle, 'x');
  await refused(/"checkpoint" is not supported/, 'checkpoint', 'x');
  await refused(/config.json/, 'create', '-b', rig.directory, 'x');
  await refused(
    /root.path: .*does not exist/,
    'create',
    '-b',
    rig.bundle(['true'], { root: { path: 'none' } }),
    'x',
  );
  await refused(
    /asks for a terminal/,
    'create',
    '-b',
    rig.bundle(['true'], { process: { terminal: true } }),
    'x',
  );
  const joined = namespaces.map((one) =>
    one.type === 'network' ? { ...one, path: '/proc/self/ns/ipc' } : one,
  );
  await refused(
    /namespace/,
    'create',
    '-b',
    rig.bundle(['true'], { linux: { namespaces: joined } }),
    'x',
  );
  t.equal(await rig.ok(['list', '-q']), '');
});

t.test('failures are also in the log, in the form asked for', async (t) => {
  const log = `${rig.directory}/log.json`;
  await rig.run(['--log', log, '--log-format', 'json', 'start', 'nobody']);
  const [line = ''] = readFileSync(log, 'utf8').split('\n');
  t.match(JSON.parse(line), { level: 'error', msg: /"nobody" does not exist/, time: /^\d{4}-/ });
  await rig.run(['--log', `${log}.txt`, 'start', 'nobody']);
  t.match(readFileSync(`${log}.txt`, 'utf8'), /^time="\S+" level=error msg="container/);
});

t.test('a create that was killed leaves what delete --force removes', async (t) => {
  const slow = rig.bundle(['true'], {
    hooks: { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '1000'] }] },
  });
  const { child, ended } = rig.start(['create', '-b', slow, 'killed']);
  await until(
    'creating',
    async () =>
      existsSync(`${rig.root}/killed/state.json`) &&
      readFileSync(`${rig.root}/killed/state.json`, 'utf8').includes('"init"'),
  );
  const { init } = JSON.parse(readFileSync(`${rig.root}/killed/state.json`, 'utf8'));
  child.kill('SIGKILL');
  await ended;
  await rig.ok(['delete', '--force', 'killed']);
  await until(
    'gone',
    () =>
      !existsSync(`/proc/${init.pid}/status`) ||
      readFileSync(`/proc/${init.pid}/status`, 'utf8').includes('Z (zombie)'),
  );
  t.equal(existsSync(`${rig.root}/killed`), false);
});
