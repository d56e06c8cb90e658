/** What the default profile allows to whom. */
import t from 'tap';
import {
  allCapabilities,
  capabilityBits,
  defaultCapabilities,
} from '#node-agent/container/capabilities.ts';
import { allow, verdict } from '#node-agent/container/seccomp/actions.ts';
import { compile } from '#node-agent/container/seccomp/compile.ts';
import { defaultProfile } from '#node-agent/container/seccomp/default-profile.ts';
import { defaultFilter } from '#node-agent/container/seccomp/filter.ts';
import { expected } from './reference.ts';
import { auditX86, type Call, decider, run } from './simulator.ts';

const eperm = verdict('SCMP_ACT_ERRNO');
const enosys = verdict('SCMP_ACT_ERRNO', 38);
const kernel = '6.1.0-21-amd64';
const usual = capabilityBits(defaultCapabilities);

const defaultFor = (capabilities: bigint) => decider(defaultFilter(capabilities).program);

t.test('the default profile refuses what Docker refuses', async (t) => {
  const decide = defaultFor(usual);
  const refused = `mount umount2 pivot_root unshare setns reboot swapon kexec_load init_module bpf
    keyctl add_key request_key perf_event_open userfaultfd io_uring_setup open_by_handle_at
    syslog acct settimeofday clock_settime iopl ioperm quotactl fsopen open_tree move_mount kcmp pidfd_getfd
    sethostname setdomainname vhangup mbind uselib nfsservctl personality`;
  for (const name of refused.trim().split(/\s+/)) t.equal(decide(name, 5n), eperm, name);
  const allowed = `read write execve clone ptrace chroot prctl seccomp socket ioctl futex openat2
    pidfd_open mknod capset process_vm_readv arch_prctl modify_ldt personality`;
  for (const name of allowed.trim().split(/\s+/)) t.equal(decide(name), allow, name);
  t.equal(decide('clone3'), enosys, 'a library then takes clone');
  t.equal(decide('listns'), enosys, 'younger than the profile');
});

t.test('the default profile looks into clone, socket and personality', async (t) => {
  const decide = defaultFor(usual);
  t.equal(decide('clone', 0x3d0f00n), allow, 'a thread');
  for (const bit of [17, 25, 26, 27, 28, 29, 30])
    t.equal(decide('clone', 17n | (1n << BigInt(bit))), eperm, `clone flag ${bit}`);
  const refused = [12, 19, 20, 23, 25, 34, 37, 38, 40, 46];
  for (let family = 0; family < 60; family++) {
    const wanted = refused.includes(family) || family > 45 ? eperm : allow;
    t.equal(decide('socket', BigInt(family)), wanted, `family ${family}`);
  }
  t.equal(decide('socket', 0x1_0000_0002n), eperm, 'all 64 bits count');
  for (const value of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn])
    t.equal(decide('personality', value), allow);
  t.equal(decide('personality', 0x40000n), eperm, 'no address randomisation');
});

t.test('a capability gives back what it is for', async (t) => {
  const cases: readonly [string, string][] = [
    ['CAP_SYS_ADMIN', 'mount umount2 unshare setns clone3 bpf fsopen perf_event_open syslog'],
    ['CAP_SYS_BOOT', 'reboot'],
    ['CAP_SYS_MODULE', 'init_module finit_module delete_module'],
    ['CAP_SYS_TIME', 'settimeofday clock_settime'],
    ['CAP_SYS_PTRACE', 'kcmp pidfd_getfd process_madvise'],
    ['CAP_SYS_RAWIO', 'iopl ioperm'],
    ['CAP_SYS_NICE', 'mbind set_mempolicy get_mempolicy'],
    ['CAP_SYS_PACCT', 'acct'],
    ['CAP_SYSLOG', 'syslog'],
    ['CAP_BPF', 'bpf'],
    ['CAP_PERFMON', 'perf_event_open'],
    ['CAP_DAC_READ_SEARCH', 'open_by_handle_at'],
    ['CAP_SYS_TTY_CONFIG', 'vhangup'],
  ];
  for (const [capability, names] of cases) {
    const decide = defaultFor(usual | capabilityBits([capability]));
    for (const name of names.split(' ')) t.equal(decide(name), allow, `${capability}: ${name}`);
    t.equal(decide('keyctl'), eperm);
  }
  t.equal(defaultFor(0n)('chroot'), eperm);
  t.equal(defaultFor(capabilityBits(['SYS_ADMIN']))('clone', 0x10000000n), allow);
});

t.test('before Linux 4.8 nothing may be traced', async (t) => {
  const decide = decider(compile(defaultProfile({ capabilities: usual, kernel: '4.7.9' })).program);
  t.equal(decide('ptrace'), eperm);
});

t.test(
  'the default profile decides every number of every interface as its rules say',
  async (t) => {
    for (const capabilities of [usual, 0n, allCapabilities]) {
      const profile = defaultProfile({ capabilities, kernel });
      const { program, unknown } = compile(profile);
      t.strictSame(unknown, [], 'all names are known');
      const simulate = run(program);
      const differing = everyCall().filter(
        (call) => simulate(call).verdict !== expected(profile, call),
      );
      t.strictSame(differing, []);
      t.ok(program.length / 8 < 350, `${program.length / 8} instructions`);
    }
  },
);

function everyCall(): Call[] {
  const numbers = Array.from({ length: 600 }, (_, number) => number);
  return numbers.flatMap((number) =>
    [0n, 12n, 0x7e020000n].flatMap((argument) => [
      { number, args: [argument] },
      { number: number + 0x40000000, args: [argument] },
      { number, args: [argument], architecture: auditX86 },
    ]),
  );
}

t.test('capabilities that change nothing give the same program', async (t) => {
  t.equal(defaultFilter(usual), defaultFilter(usual | capabilityBits(['NET_ADMIN'])));
  t.not(defaultFilter(usual), defaultFilter(usual | capabilityBits(['SYS_ADMIN'])));
});
