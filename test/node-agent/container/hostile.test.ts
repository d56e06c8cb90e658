/** Containers that try to get at the program that starts them, or at what it left open (practice of past CVEs). */

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import t from 'tap';
import { buildDir } from '#native/load.ts';
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

const node = await startNode('hostile');
t.teardown(() => stopNode(node));
const digest = () =>
  ['supervisor', 'init'].map((name) =>
    createHash('sha256')
      .update(readFileSync(buildDir + name))
      .digest('hex'),
  );
const before = digest();

t.test('/proc/self/exe as the program is the container’s own (CVE-2019-5736)', async (t) => {
  const refused = run(node, '', { args: ['/proc/self/exe'] });
  // What it names at that moment is the supervisor, sealed: it runs without an order and ends, or is not found.
  const state = await refused.then(
    (ended) => ended.state.exitCode,
    () => 'refused',
  );
  t.not(state, 0);
  t.strictSame(digest(), before);
});

t.test('a storm of execs shows nothing that could be written (CVE-2019-5736)', async (t) => {
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  // Opens whatever comes by for writing, as fast as it can, with every capability.
  const script = `echo up; while [ ! -e /stop ]; do for p in /proc/[0-9]*/exe; do
    [ "$p" != /proc/self/exe ] && ls -l $p 2>/dev/null | grep -v busybox | grep -q memfd && { (echo evil >> $p) 2>/dev/null && echo written; }; done; done; echo end`;
  const spec = containerSpec(node, sandbox.id, { args: ['sh', '-c', script], privileged: true });
  await node.runtime.start(spec);
  await until('it to look', () => logText(spec.logPath).includes('up'));
  for (let i = 0; i < 40; i++) {
    const session = await node.runtime.exec(spec.id, { args: ['true'], tty: false, stdin: false });
    t.equal(await session.exitCode, 0);
  }
  const stop = await node.runtime.exec(spec.id, {
    args: ['touch', '/stop'],
    tty: false,
    stdin: false,
  });
  await stop.exitCode;
  await exited(node, spec.id);
  t.notMatch(logText(spec.logPath), /written/);
  t.strictSame(digest(), before);
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
});

t.test('init cannot be written through its mount', async (t) => {
  const script =
    'exec 2>/dev/null; echo evil >> /dev/init || echo refused; echo evil >> /proc/1/exe || echo refused';
  const { text } = await run(node, script, { init: true });
  t.equal(text.match(/^refused$/gm)?.length, 2, text);
  t.strictSame(digest(), before);
});

t.test(
  'an exec’ed program has three descriptors and cannot start in one of the host’s',
  async (t) => {
    const sandbox = sandboxSpec(node);
    await node.runtime.createSandbox(sandbox);
    const spec = containerSpec(node, sandbox.id, { args: ['sleep', '1000'] });
    await node.runtime.start(spec);
    for (let fd = 3; fd < 12; fd++) {
      const cwd = `/proc/self/fd/${fd}`;
      const exec = { args: ['pwd'], cwd, tty: false, stdin: false };
      await t.rejects(node.runtime.exec(spec.id, exec), { name: 'StartError' }, cwd);
    }
    await node.runtime.removeSandbox(sandbox.id);
    await node.runtime.remove(spec.id);
  },
);

t.test('nothing of ours listens on an abstract socket (CVE-2020-15257)', async (t) => {
  const script = 'grep -c "@" /proc/net/unix; grep "@" /proc/net/unix';
  const { text } = await run(node, script);
  t.notMatch(text, /@.*bay/);
});

t.test('state of containers is closed to other users (CVE-2021-41103)', async (t) => {
  t.equal(statSync(`${node.runDir}/c`).mode & 0o777, 0o700);
  t.equal(statSync(`${node.runDir}/ns`).mode & 0o777, 0o700);
});

t.test('nothing is left', async (t) => {
  t.strictSame(traces(node), []);
});
