/** Programs run in, and people attached to, a running container. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { ContainerSpec } from '#node-agent/container/runtime.ts';
import { attachFromStart } from '#node-agent/server/attach-from-start.ts';
import {
  containerSpec,
  exited,
  logText,
  sandboxSpec,
  startNode,
  stopNode,
  textOf,
  traces,
  until,
} from './node.ts';

const node = await startNode('session');
t.teardown(() => stopNode(node));

/** A container that runs while the test does. */
async function container(t: Test, change: Partial<ContainerSpec> = {}): Promise<ContainerSpec> {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const spec = containerSpec(node, sandbox.id, { args: ['sleep', '1000'], ...change });
  await node.runtime.start(spec);
  t.teardown(async () => {
    await node.runtime.removeSandbox(sandbox.id);
    await node.runtime.remove(spec.id);
  });
  return spec;
}

t.test("an exec'ed program has its own streams, code, user and directory", async (t) => {
  const { id } = await container(t);
  const session = await node.runtime.exec(id, {
    args: ['sh', '-c', 'echo out; echo err >&2; id -u; pwd; echo $WHO $HOME; exit 17'],
    env: ['PATH=/bin', 'WHO=me'],
    cwd: '/etc',
    user: { uid: 99, gid: 98, groups: [98] },
    tty: false,
    stdin: false,
  });
  const [out, err, code] = await Promise.all([
    textOf(session.stdout),
    textOf(session.stderr),
    session.exitCode,
  ]);
  t.equal(out, 'out\n99\n/etc\nme\n');
  t.equal(err, 'err\n');
  t.equal(code, 17);
});

t.test(
  'it is as restricted as the container and lives in its namespaces and cgroups',
  async (t) => {
    const { id, logPath } = await container(t, {
      args: [
        'sh',
        '-c',
        'for n in /proc/self/ns/*; do readlink $n; done; grep Cap /proc/self/status; sleep 1000',
      ],
      capabilities: ['CAP_KILL'],
      noNewPrivileges: true,
    });
    await until('the container to speak', () => logText(logPath).includes('CapAmb'));
    const session = await node.runtime.exec(id, {
      args: [
        'sh',
        '-c',
        'for n in /proc/self/ns/*; do readlink $n; done; grep Cap /proc/self/status; cat /proc/self/cgroup',
      ],
      tty: false,
      stdin: false,
    });
    const text = await textOf(session.stdout);
    const own = logText(logPath);
    t.equal(text.slice(0, own.length), own);
    const groups = text.slice(own.length).split('\n');
    t.ok(groups.some((line) => /^\d+:memory:\/$/.test(line)) || groups.includes('0::/'), text);
  },
);

t.test('a program that cannot be run is named with its code', async (t) => {
  const { id } = await container(t);
  const exec = (args: readonly string[], env?: readonly string[]) =>
    node.runtime.exec(id, {
      args,
      tty: false,
      stdin: false,
      ...(env === undefined ? {} : { env }),
    });
  await t.rejects(exec(['nope']), { exitCode: 127, message: /"nope": executable file not found/ });
  await t.rejects(exec(['/etc/passwd']), { exitCode: 126, message: /permission denied/ });
  const large = Array.from({ length: 3000 }, (_, n) => `V${n}=${'x'.repeat(100)}`);
  const session = await exec(['/bin/env'], large);
  t.equal((await textOf(session.stdout)).split('\n').length, 3001, 'a large environment is well');
  await t.rejects(exec(['env'], [`X=${'x'.repeat(1 << 20)}`]), { exitCode: 128, message: /limit/ });
});

t.test('bytes go through stdin to stdout unchanged, whoever is slower', async (t) => {
  const { id } = await container(t);
  const bytes = randomBytes(3_000_000);
  const session = await node.runtime.exec(id, { args: ['cat'], tty: false, stdin: true });
  session.stdin?.end(bytes);
  await sleep(50);
  const parts: Buffer[] = [];
  for await (const part of session.stdout) parts.push(part as Buffer);
  t.ok(Buffer.concat(parts).equals(bytes));
  t.equal(await session.exitCode, 0);
});

t.test('a terminal has a size, control characters and one stream', async (t) => {
  const { id } = await container(t);
  const session = await node.runtime.exec(id, { args: ['sh'], tty: true, stdin: true });
  let text = '';
  session.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  session.resize(101, 42);
  session.stdin?.write('tty; stty size; cat\n');
  await until('the size', () => text.includes('42 101'));
  t.match(text, /\/dev\/pts\/0/);
  session.stdin?.write('ping\n');
  await until('cat to repeat what the terminal echoed', () => /ping\r\n.*ping\r\n/s.test(text));
  session.stdin?.write('\x03');
  await until('the interrupt', () => /\^C.*# /s.test(text));
  session.stdin?.write('echo on-stderr >&2\n');
  await until('one stream', () => text.includes('\r\non-stderr'));
  session.stdin?.write('exit 3\n');
  t.equal(await session.exitCode, 3);
});

t.test('closing a session kills its program, and only that', async (t) => {
  const { id } = await container(t);
  const session = await node.runtime.exec(id, {
    args: ['sleep', '1000'],
    tty: false,
    stdin: false,
  });
  await until('two processes', async () => (await node.runtime.stats(id)).pids === 2);
  session.close();
  t.equal(await session.exitCode, 255);
  await until('one process', async () => (await node.runtime.stats(id)).pids === 1);
  t.equal(node.runtime.get(id)?.state.phase, 'running');
});

t.test('many programs run at once, more than there is room for are refused', async (t) => {
  const { id } = await container(t);
  const exec = () => node.runtime.exec(id, { args: ['sleep', '1000'], tty: false, stdin: false });
  const results = await Promise.allSettled(Array.from({ length: 40 }, exec));
  const sessions = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
  t.equal(sessions.length, 28);
  await node.runtime.signal(id, 0);
  for (const session of sessions) session.close();
  await until('them to be gone', async () => (await node.runtime.stats(id)).pids === 1);
  const after = await exec();
  after.close();
});

t.test('several may attach to a terminal; the container goes on without them', async (t) => {
  const spec = await container(t, { args: ['sh'], tty: true, stdin: true });
  const sessions = [
    await node.runtime.attach(spec.id, { stdin: true }),
    await node.runtime.attach(spec.id, { stdin: false }),
  ] as const;
  const texts = ['', ''];
  sessions.forEach((session, index) => {
    session.stdout.on('data', (chunk) => {
      texts[index] += String(chunk);
    });
  });
  sessions[0].resize(90, 30);
  sessions[0].stdin?.write('stty size; ls -l /dev/console | cut -c1\n');
  await until('both to see it', () => texts.every((text) => text.includes('30 90')));
  sessions[0].close();
  t.equal(await sessions[0].exitCode, 255);
  const again = await node.runtime.attach(spec.id, { stdin: true });
  again.stdin?.write('exit 4\n');
  t.equal(await sessions[1].exitCode, 4);
  t.match(await exited(node, spec.id), { exitCode: 4 });
  t.match(logText(spec.logPath), /30 90/, 'the terminal is in the log');
});

t.test('stdin ends with the one attached client, where that is asked for', async (t) => {
  const spec = await container(t, { args: ['wc', '-c'], stdin: true, stdinOnce: true });
  const session = await node.runtime.attach(spec.id, { stdin: true });
  session.stdin?.end('12345');
  t.equal((await textOf(session.stdout)).trim(), '5');
  t.equal(await session.exitCode, 0);
});

t.test('who attaches from the start misses nothing and sees nothing twice', async (t) => {
  const count = 'i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; printf end';
  const spec = await container(t, { args: ['sh', '-c', count] });
  const wanted = `${Array.from({ length: 3000 }, (_, i) => `line ${i}\n`).join('')}end`;
  const attach = () => attachFromStart(node.runtime, spec.id, { stdin: false });
  const early = [await attach(), await attach()];
  await exited(node, spec.id);
  const late = await attach();
  for (const session of [...early, late]) {
    t.equal(await textOf(session.stdout), wanted);
    t.equal(await session.exitCode, 0);
  }
});

t.test('an attached client that reads nothing does not stop the container for good', async (t) => {
  const script = 'yes 0123456789 | head -c 8000000; exit 2';
  const spec = await container(t, { args: ['sh', '-c', `read line; ${script}`], stdin: true });
  const slow = await node.runtime.attach(spec.id, { stdin: true });
  slow.stdin?.write('go\n');
  await sleep(100);
  slow.close();
  t.match(await exited(node, spec.id), { exitCode: 2 });
  t.equal(logText(spec.logPath).length, 8_000_000, 'the log has everything');
});

t.test('with every capability only where that was asked for', async (t) => {
  const { id } = await container(t, { capabilities: ['CAP_KILL'] });
  const held = async (privileged: boolean) => {
    const args = ['grep', 'CapEff', '/proc/self/status'];
    const session = await node.runtime.exec(id, { args, tty: false, stdin: false, privileged });
    return (await textOf(session.stdout)).split(/\s+/)[1];
  };
  t.equal(await held(false), '0000000000000020');
  t.not(await held(true), '0000000000000020');
  t.equal(await held(false), '0000000000000020', 'and what comes later has not');
});

t.test('detached: its streams lead nowhere, and it outlives whoever asked', async (t) => {
  const { id, layerDir } = await container(t);
  const line =
    'readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 >/where; echo x; echo y >&2; touch /after';
  const how = { tty: false, stdin: true, detached: true };
  const session = await node.runtime.exec(id, { args: ['sh', '-c', line], ...how });
  t.equal(await session.exitCode, 0);
  session.close();
  await until('it to go on', () => existsSync(`${layerDir}/upper/after`));
  await t.rejects(node.runtime.exec(id, { args: ['/no-such'], ...how }), {
    name: 'StartError',
    message: /no-such/,
  });
});

t.test('nothing is left', async (t) => {
  t.strictSame(traces(node), []);
});
