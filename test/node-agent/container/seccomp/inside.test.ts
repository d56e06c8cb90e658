/** What the filter does to programs in real containers. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import t from 'tap';
import {
  containerSpec,
  exited,
  logText,
  run,
  sandboxSpec,
  startNode,
  stopNode,
  textOf,
  traces,
  until,
} from '../node.ts';

const node = await startNode('seccomp');
t.teardown(() => stopNode(node));

/** `call <name or number> <argument> ...`: makes the call and says what came back. */
const caller = `
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int count, char** words) {
  long args[6] = {0};
  for (int i = 2; i < count && i < 8; i++) args[i - 2] = strtol(words[i], 0, 0);
  long number = strtol(words[1], 0, 0);
  long result = syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
  printf("%s\\n", result == -1 ? strerrorname_np(errno) : "done");
  return 0;
}
`;
writeFileSync(`${node.directory}/call.c`, `#define _GNU_SOURCE\n#include <string.h>\n${caller}`);
const compiler = ['-static', '-O1', '-o', `${node.layer}/bin/call`, `${node.directory}/call.c`];
execFileSync('cc', compiler);

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

/** Calls by number (asm/unistd_64.h), harmless with these arguments even if they were allowed. */
const calls = {
  mount: '165',
  unshareUser: '272 0x10000000',
  setns: '308 -1',
  keyctl: '250',
  reboot: '169',
  bpf: '321 -1',
  cloneUser: '56 0x10000011',
  openByHandle: '304',
  socketVsock: '41 40 1',
  socketAlg: '41 38 5',
  personality: '135 0x40000',
  ioUring: '425',
  clone3: '435',
  beyond: '999',
  getpid: '39',
  socketInet: '41 2 1',
  askPersonality: '135 0xffffffff',
  chroot: '161 0',
};
const answers = async (change: Parameters<typeof run>[2] = {}) => {
  const script = Object.entries(calls).map(([name, words]) => `echo ${name} $(call ${words})`);
  const { text } = await run(node, script.join('\n'), change);
  return Object.fromEntries(lines(text).map((line) => line.split(' ')));
};

const refused = {
  mount: 'EPERM',
  unshareUser: 'EPERM',
  setns: 'EPERM',
  keyctl: 'EPERM',
  reboot: 'EPERM',
  bpf: 'EPERM',
  cloneUser: 'EPERM',
  openByHandle: 'EPERM',
  socketVsock: 'EPERM',
  socketAlg: 'EPERM',
  personality: 'EPERM',
  ioUring: 'EPERM',
  clone3: 'ENOSYS',
  beyond: 'ENOSYS',
  getpid: 'done',
  socketInet: 'done',
  askPersonality: 'done',
  chroot: 'EFAULT',
};

t.test('by default what changes the machine is refused, for root and for others', async (t) => {
  t.strictSame(await answers(), refused);
  t.strictSame(await answers({ noNewPrivileges: true }), refused);
  const user = { uid: 1000, gid: 1000, groups: [] };
  t.strictSame(await answers({ user }), refused);
  t.strictSame(await answers({ user, noNewPrivileges: true }), refused);
});

t.test('a capability opens what belongs to it, no more', async (t) => {
  const capabilities = ['CAP_SYS_ADMIN', 'CAP_DAC_READ_SEARCH'];
  t.match(await answers({ capabilities }), {
    mount: 'EFAULT',
    setns: 'EBADF',
    openByHandle: 'EFAULT',
    cloneUser: 'done',
    clone3: 'EINVAL',
    keyctl: 'EPERM',
    socketVsock: 'EPERM',
    ioUring: 'EPERM',
    chroot: 'EPERM',
  });
});

t.test('the capabilities are what was asked for, whichever way the filter came in', async (t) => {
  const script = 'grep -E "Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp:" /proc/self/status';
  for (const noNewPrivileges of [false, true]) {
    const root = await run(node, script, { noNewPrivileges, capabilities: ['CAP_KILL'] });
    const user = await run(node, script, {
      noNewPrivileges,
      capabilities: ['CAP_KILL'],
      user: { uid: 7, gid: 7, groups: [] },
    });
    const kill = '0000000000000020';
    const none = '0000000000000000';
    const state = (effective: string) =>
      [
        `CapPrm:\t${effective}`,
        `CapEff:\t${effective}`,
        `CapBnd:\t${kill}`,
        `CapAmb:\t${none}`,
      ].concat(`NoNewPrivs:\t${noNewPrivileges ? 1 : 0}`, 'Seccomp:\t2');
    t.strictSame(lines(root.text), state(kill));
    t.strictSame(lines(user.text), state(none));
  }
});

t.test('ordinary programs work', async (t) => {
  const { text, state } = await run(
    node,
    `ls / > /dev/null && mkdir /w && echo hi > /w/f && cp /w/f /w/g && tar -cf /w/t /w/f && echo files
     mkdir /www && echo page > /www/index.html && httpd -p 127.0.0.1:8080 -h /www
     wget -q -O - http://127.0.0.1:8080/index.html
     ping -c 1 127.0.0.1 > /dev/null && echo ping
     (sleep 100 & kill $!; wait $!; echo "killed $?")
     date > /dev/null && ps > /dev/null && df > /dev/null && chown 1:1 /w/f && id -un
     mkfifo /w/p && (cat /w/p & echo piped > /w/p; wait)`,
  );
  t.equal(state.exitCode, 0, text);
  for (const word of ['files', 'page', 'ping', 'killed 143', 'root', 'piped'])
    t.match(text, new RegExp(`^${word}$`, 'm'));
});

t.test('Unconfined is no filter, and the default of a privileged container', async (t) => {
  const script = 'grep Seccomp: /proc/self/status; call 250';
  const open = await run(node, script, { seccomp: { type: 'Unconfined' } });
  t.match(open.text, /Seccomp:\t0/);
  t.notMatch(open.text, /EPERM/);
  t.match((await run(node, script, { privileged: true })).text, /Seccomp:\t0/);
  const asked = { privileged: true, seccomp: { type: 'RuntimeDefault' } } as const;
  t.match((await run(node, script, asked)).text, /Seccomp:\t2\nEPERM/, 'privileged, but asked for');
});

const profile = (name: string, content: object): { type: 'Localhost'; path: string } => {
  const path = `${node.directory}/${name}.json`;
  writeFileSync(path, JSON.stringify(content));
  return { type: 'Localhost', path };
};

t.test('a profile of the node counts for the container and all that is run in it', async (t) => {
  const seccomp = profile('no-mkdir', {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 13 }],
  });
  const sandbox = sandboxSpec(node);
  await node.runtime.createSandbox(sandbox);
  const script = 'mkdir /a 2>&1; touch /b && echo touched; sleep 1000';
  const args = ['sh', '-c', script];
  const spec = containerSpec(node, sandbox.id, { args, seccomp, noNewPrivileges: true });
  await node.runtime.start(spec);
  await until('the script to speak', () => lines(logText(spec.logPath)).length === 2);
  t.match(logText(spec.logPath), /mkdir: .*: Permission denied\ntouched/);

  writeFileSync(seccomp.path, 'gone');
  const inside = async () => {
    const command = ['sh', '-c', 'mkdir /c 2>&1; grep Seccomp: /proc/self/status'];
    const session = await node.runtime.exec(spec.id, { args: command, tty: false, stdin: false });
    return textOf(session.stdout);
  };
  t.match(await inside(), /Permission denied\nSeccomp:\t2/, 'the file that was read at the start');
  await node.runtime.kill(spec.id);
  await exited(node, spec.id);
  await node.runtime.remove(spec.id);
  await node.runtime.removeSandbox(sandbox.id);
});

t.test('a profile need not allow what happens before the program', async (t) => {
  const names = 'execve exit exit_group write brk arch_prctl set_tid_address';
  const rest =
    'set_robust_list rseq prlimit64 readlink readlinkat getrandom mprotect mmap newfstatat';
  const syscalls = [{ names: `${names} ${rest}`.split(' '), action: 'SCMP_ACT_ALLOW' }];
  const seccomp = profile('bare', { defaultAction: 'SCMP_ACT_KILL_PROCESS', syscalls });
  for (const noNewPrivileges of [false, true]) {
    for (const uid of [0, 5]) {
      const user = { uid, gid: uid, groups: [uid] };
      const change = { seccomp, user, noNewPrivileges };
      const done = await run(node, '', { ...change, args: ['call', '500'] });
      t.equal(done.state.signal, 31, 'killed by SIGSYS, not before it ran');
      const said = await run(node, '', { ...change, args: ['call', '1', '1', '0', '0'] });
      t.match(said.text, /done/);
    }
  }
});

t.test('what cannot be read is not run', async (t) => {
  const wrong = profile('wrong', { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['a'] }] });
  const cases: [string, RegExp][] = [
    [`${node.directory}/none.json`, /use the seccomp profile .*none.json: ENOENT/],
    [wrong.path, /wrong.json: syscalls\[0\]\.action: expected an action, found missing/],
  ];
  for (const [path, message] of cases) {
    const seccomp = { type: 'Localhost', path } as const;
    await t.rejects(run(node, 'echo ran', { seccomp }), {
      name: 'StartError',
      exitCode: 128,
      message,
    });
  }
});

t.test('nothing is left', async (t) => {
  t.strictSame(traces(node), []);
});
