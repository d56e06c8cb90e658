/** linux.seccomp of a bundle: its flags, and calls that another process decides on. */

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { until } from '../container/node.ts';
import { Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-seccomp')());

const profile = (action: string, names: readonly string[], more: object = {}) => ({
  linux: {
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [{ names, action }],
      ...more,
    },
  },
});

t.test('flags are given to the kernel, which takes them all', async (t) => {
  const names = ['TSYNC', 'LOG', 'SPEC_ALLOW', 'WAIT_KILLABLE_RECV'];
  const flags = names.map((name) => `SECCOMP_FILTER_FLAG_${name}`);
  const args = ['grep', '-E', '^(Seccomp:|Speculation_Store)', '/proc/self/status'];
  const bundle = rig.bundle(args, profile('SCMP_ACT_ERRNO', ['mkdir'], { flags }));
  t.match(await rig.ok(['run', '-b', bundle, 'flags']), /^Seccomp:\t2\nSpeculation_Store_Bypass/);
  const bad = rig.bundle(args, profile('SCMP_ACT_ERRNO', ['mkdir'], { flags: ['X'] }));
  t.match(
    (await rig.run(['run', '-b', bad, 'bad'])).stderr,
    /linux\.seccomp: flags\[0\]: expected/,
  );
  const { linux } = JSON.parse(await rig.ok(['features']));
  t.strictSame(linux.seccomp.supportedFlags, flags);
});

t.test('a profile that asks nobody, or for what brings the listener, is refused', async (t) => {
  for (const [change, wanted] of [
    [
      profile('SCMP_ACT_NOTIFY', ['mkdir']),
      /linux\.seccomp: listenerPath: syscalls\[0\]\.action is SCMP_ACT_NOTIFY/,
    ],
    [
      profile('SCMP_ACT_NOTIFY', ['sendmsg'], { listenerPath: '/x' }),
      /syscalls\[0\]\.names: sendmsg cannot be/,
    ],
    [
      profile('SCMP_ACT_ERRNO', ['mkdir'], {
        defaultAction: 'SCMP_ACT_NOTIFY',
        listenerPath: '/x',
      }),
      /defaultAction: SCMP_ACT_NOTIFY for every call/,
    ],
  ] as const) {
    const { code, stderr } = await rig.run(['run', '-b', rig.bundle(['true'], change), 'no']);
    t.equal(code, 1);
    t.match(stderr, wanted);
  }
  const nobody = profile('SCMP_ACT_NOTIFY', ['mkdir'], { listenerPath: `${rig.directory}/nobody` });
  const { code, stderr } = await rig.run(['run', '-b', rig.bundle(['true'], nobody), 'no']);
  t.equal(code, 1);
  t.match(stderr, /linux\.seccomp\.listenerPath: nobody takes the listener: .*nobody/);
  t.equal(await rig.ok(['list', '-q']), '', 'nothing is left');
});

t.test(
  'another process decides on the calls of the container, and of what is exec’ed',
  async (t) => {
    if (!existsSync('/usr/bin/gcc')) return t.comment('skipped: needs gcc');
    const program = `${rig.directory}/agent`;
    const listenerPath = `${rig.directory}/agent.sock`;
    const source = new URL('seccomp-agent.c', import.meta.url).pathname;
    execFileSync('gcc', ['-o', program, source]);
    const agent = spawn(program, [listenerPath], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => agent.kill());
    let said = '';
    agent.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    await until('the agent', () => said.includes('ready'));
    const change = profile('SCMP_ACT_NOTIFY', ['mkdir', 'mkdirat', 'execve'], {
      listenerPath,
      listenerMetadata: 'of a test',
    });
    const script = 'mkdir /tmp/x 2>&1; echo $?; sleep 1000';
    const bundle = rig.bundle(['sh', '-c', script], change);
    const started = rig.start(['run', '-d', '-b', bundle, 'asking']);
    const { code, stderr } = await started.ended;
    t.equal(code, 0, stderr);
    await until('the call', () => /call (83|258)/.test(said));
    const { pid } = await rig.state('asking');
    const [state = '{}'] = /(?<=state ).*/.exec(said) ?? [];
    t.match(JSON.parse(state), {
      ociVersion: '1.2.0',
      fds: ['seccompFd'],
      pid,
      metadata: 'of a test',
      state: { id: 'asking', status: 'created', pid, bundle },
    });
    t.match(said, /call 59/, 'its own execve is asked about, too');
    await until('its output', () => /not supported\n1\n$/.test(started.said()));
    const pidFile = `${rig.directory}/exec.pid`;
    const exec = await rig.run(['exec', '--pid-file', pidFile, 'asking', 'mkdir', '/tmp/y']);
    t.match(exec, { code: 1, stderr: /Not supported|not supported/ });
    const states = [...said.matchAll(/^state (.*)/gm)].map(([, text = '']) => JSON.parse(text));
    t.equal(states.length, 2, 'each process brings its own listener');
    t.equal(states[1].pid, Number(readFileSync(pidFile, 'utf8')), 'and is named by its own number');
    t.equal(states[1].state.pid, pid, 'beside that of the container');
    await rig.ok(['delete', '-f', 'asking']);
  },
);
