/** How containers start, end, speak and go. */
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import t from 'tap';
import { StartError } from '#node-agent/container/runtime.ts';
import {
  containerSpec,
  exited,
  logText,
  run,
  sandboxSpec,
  startNode,
  stopNode,
  traces,
  until,
} from './node.ts';

const node = await startNode('life');
t.teardown(() => stopNode(node));
const { signals } = constants;

t.test('the exit code and the signal that ended it are told', async (t) => {
  const plain = await run(node, 'exit 42');
  t.match(plain.state, { exitCode: 42, oomKilled: false });
  t.equal(plain.state.signal, undefined);
  // Process 1 is immune to signals it does not handle: a child shows what a signal does.
  const killed = await run(node, 'trap "exit 9" TERM; kill -TERM $$; sleep 5');
  t.match(killed.state, { exitCode: 9 });
});

t.test('times are nanoseconds in UTC and in order', async (t) => {
  const before = new Date().toISOString();
  const { state } = await run(node, 'true');
  t.match(state.startedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  t.ok(before <= state.startedAt.slice(0, 23).concat('Z'));
  t.ok(state.startedAt < state.finishedAt);
});

t.test(
  'a program that is missing, not executable or unusable is named with its code',
  async (t) => {
    const sandbox = sandboxSpec(node);
    await node.runtime.createSandbox(sandbox);
    const cases = [
      [{ args: ['nope'] }, 127, /exec: "nope": executable file not found in \$PATH/],
      [{ args: ['/nope'] }, 127, /exec: "\/nope": no such file or directory/],
      [{ args: ['/etc/not-executable'] }, 126, /exec: "\/etc\/not-executable": permission denied/],
      [{ args: ['/etc'] }, 126, /exec: "\/etc": permission denied/],
      [
        { args: ['true'], cwd: '/etc/passwd' },
        128,
        /working directory \/etc\/passwd: not a directory/,
      ],
      [{ layers: ['/nowhere'] }, 128, /\/nowhere: no such file or directory/],
      [{ layerDir: '/nowhere/at/all' }, 128, /mkdir \/nowhere\/at\/all: No such file or directory/],
      [{ capabilities: ['CAP_COFFEE'] }, 128, /CAP_COFFEE is not a capability/],
      [{ args: ['true', 'a\0b'] }, 128, /contains a NUL byte/],
      [
        { mounts: [{ type: 'bind', source: '/nowhere', target: '/x', readonly: true }] },
        128,
        /open mount source \/nowhere: no such file or directory/,
      ],
      [
        { mounts: [{ type: 'bind', source: '/tmp', target: '/etc/passwd/x', readonly: true }] },
        128,
        /mount point \/etc\/passwd\/x: not a directory/,
      ],
      [{ logPath: '/nowhere/log' }, 128, /open log \/nowhere\/log: no such file or directory/],
      [{ cwd: '/proc/self/fd/7' }, 128, /working directory \/proc\/self\/fd\/7: no such file/],
    ] as const;
    for (const [change, exitCode, message] of cases) {
      const spec = containerSpec(node, sandbox.id, change);
      const error = await node.runtime.start(spec).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      t.ok(error instanceof StartError, String(message));
      t.match(error, { exitCode, message });
      t.match(node.runtime.get(spec.id)?.state, {
        phase: 'exited',
        exitCode,
        reason: 'StartError',
      });
      await node.runtime.remove(spec.id);
      t.equal(node.runtime.get(spec.id), undefined);
    }
    await node.runtime.removeSandbox(sandbox.id);
    t.strictSame(traces(node), []);
  },
);

t.test('both streams are in the log as CRI lines, parts of lines marked', async (t) => {
  const { spec } = await run(node, 'echo out; sleep 0.05; echo err >&2; sleep 0.05; printf part');
  const stamp = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z';
  const log = readFileSync(spec.logPath, 'utf8');
  t.match(
    log,
    new RegExp(`^${stamp} stdout F out\n${stamp} stderr F err\n${stamp} stdout P part\n$`),
  );
});

t.test('a container that exits at once has all its output, megabytes too', async (t) => {
  for (let round = 0; round < 5; round++)
    t.equal((await run(node, 'echo last words')).text, 'last words\n');
  const { text } = await run(node, 'yes 0123456789 | head -c 3000000');
  t.equal(text.length, 3_000_000);
  t.ok(/^(0123456789\n)+0?/.test(text));
});

t.test('signals reach the program, kill ends everything', async (t) => {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const script =
    'trap "echo got it" USR1; trap "exit 3" TERM; echo up; while :; do sleep 0.02; done';
  const polite = containerSpec(node, sandbox.id, { args: ['sh', '-c', script] });
  const stubborn = containerSpec(node, sandbox.id, {
    args: ['sh', '-c', 'sleep 1000 & sleep 1000'],
  });
  for (const spec of [polite, stubborn]) await node.runtime.start(spec);
  await until('the trap to be set', () => logText(polite.logPath).includes('up'));
  await node.runtime.signal(polite.id, signals.SIGUSR1);
  await until('the signal', () => logText(polite.logPath).includes('got it'));
  await node.runtime.signal(polite.id, signals.SIGTERM);
  t.match(await exited(node, polite.id), { exitCode: 3 });
  await node.runtime.signal(polite.id, signals.SIGTERM);
  await node.runtime.signal(stubborn.id, signals.SIGTERM);
  t.equal(node.runtime.get(stubborn.id)?.state.phase, 'running', 'process 1 is immune');
  await node.runtime.kill(stubborn.id);
  t.match(await exited(node, stubborn.id), { exitCode: 137, signal: signals.SIGKILL });
  for (const spec of [polite, stubborn]) await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
});

t.test('a program that takes too much memory is killed and said to be', async (t) => {
  const { state } = await run(node, 'x=a; while :; do x=$x$x; done', {
    resources: { memory: { limit: 16 << 20 } },
  });
  t.match(state, { exitCode: 137, signal: signals.SIGKILL, oomKilled: true });
});

t.test("a sandbox with the host's processes ends with its containers", async (t) => {
  const sandbox = sandboxSpec(node, { hostPid: true, hostIpc: true });
  await node.runtime.createSandbox(sandbox);
  const script = 'echo $$; (sleep 1000 &) ; sleep 0.1';
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', script] });
  await node.runtime.start(spec);
  await exited(node, spec.id);
  t.not(logText(spec.logPath).trim(), '1');
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame(traces(node), [], 'what it left behind is gone');
});

t.test(
  'who loses his parent among the host’s processes becomes the supervisor’s, and is waited for',
  async (t) => {
    const parent = `awk '/^PPid/ {print $2}' /proc/$orphan/status`;
    const script = `(sleep 0.5 & echo $! >/orphan); orphan=$(cat /orphan)
    until [ "$(${parent})" = $PPID ]; do :; done; echo adopted
    while [ -e /proc/$orphan ]; do sleep 0.01; done; echo gone`;
    const { text } = await run(node, script, {}, { hostPid: true });
    t.equal(text, 'adopted\ngone\n');
  },
);

t.test('the figures of a running container are its own', async (t) => {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', 'sleep 1000 & wait'] });
  await node.runtime.start(spec);
  await until('two processes', async () => (await node.runtime.stats(spec.id)).pids === 2);
  const stats = await node.runtime.stats(spec.id);
  t.ok(stats.cpuNanos > 0);
  t.ok(stats.memoryBytes > 10_000 && stats.memoryBytes < 50_000_000, String(stats.memoryBytes));
  await node.runtime.removeSandbox(sandbox.id);
  t.match(node.runtime.get(spec.id)?.state, { phase: 'exited', exitCode: 137 });
  await node.runtime.remove(spec.id);
});

t.test('a layer is used again by the next container, and what is kept is synced', async (t) => {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const layerDir = `${node.directory}/kept`;
  const isVolatile = 'grep -q "^[^-]* / / .*[=,]volatile" /proc/self/mountinfo && echo volatile';
  for (const [keepsLayer, script, expected] of [
    [false, `echo kept > /file; ${isVolatile}`, 'volatile\n'],
    [true, `cat /file; sync -d /file && echo synced; ${isVolatile}`, 'kept\nsynced\n'],
    [false, `cat /file; ${isVolatile}`, 'kept\nvolatile\n'],
  ] as const) {
    const args = ['sh', '-c', script];
    const spec = containerSpec(node, sandbox.id, { layerDir, keepsLayer, args });
    await node.runtime.start(spec);
    await exited(node, spec.id);
    t.equal(logText(spec.logPath), expected);
    await node.runtime.remove(spec.id);
  }
  await node.runtime.removeLayer(layerDir);
  await node.runtime.removeSandbox(sandbox.id);
});

t.test('200 quick starts leave nothing', async (t) => {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const descriptors = () => readFileSync('/proc/self/status', 'utf8').match(/FDSize.*/)?.[0];
  const seen: string[] = [];
  const changes = node.runtime.changes.subscribe(({ state }) => seen.push(state.phase));
  const one = async () => {
    const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', 'echo $$'] });
    await node.runtime.start(spec);
    await exited(node, spec.id);
    if (logText(spec.logPath) !== '1\n') throw new Error('output lost');
    await node.runtime.remove(spec.id);
    await node.runtime.removeLayer(spec.layerDir);
  };
  await one();
  const before = descriptors();
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 10 }, one));
  changes.unsubscribe();
  t.equal(seen.filter((phase) => phase === 'running').length, 201);
  t.equal(seen.filter((phase) => phase === 'exited').length, 201);
  t.equal(descriptors(), before, 'no descriptor stays open');
  await node.runtime.removeSandbox(sandbox.id);
  t.strictSame(traces(node), []);
});

t.test('a full disk costs output, never the container', async (t) => {
  const { execFileSync } = await import('node:child_process');
  const small = `${node.directory}/small`;
  execFileSync('mkdir', ['-p', small]);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'small', small]);
  t.teardown(() => execFileSync('umount', [small]));
  const logPath = `${small}/log`;
  writeFileSync(`${small}/ballast`, Buffer.alloc(40_000));
  const { state } = await run(node, 'yes 0123456789 | head -c 300000; exit 6', { logPath });
  t.match(state, { exitCode: 6 });
  const log = readFileSync(logPath, 'utf8');
  t.ok(log.length > 1000);
  t.ok(log.endsWith('\n'), 'no half line');
  const known = / stdout [FP] | stderr F \[\d+ lines are missing here\]$/;
  t.notOk(log.split('\n').some((line) => line !== '' && !known.test(line)));
});

t.test('nothing is left', async (t) => {
  t.strictSame(traces(node), []);
});
