/**
 * What a container may call when nothing else is said: a list of what is allowed, with the meaning
 * of Docker's default profile (moby/profiles, seccomp/default.json). Pure.
 */

import { capabilityBits } from '../capabilities.ts';
import { allow, notImplemented, verdict } from './actions.ts';
import { type Circumstances, isAtLeast } from './circumstances.ts';
import type { Condition, Operator, Profile, Rule } from './profile.ts';

/** Allowed to everybody; names with 32 or 64 in them are the 32-bit interface's. */
const everybody = `
accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown
chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3
epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64
fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl
fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64
fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait
futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid
geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid
getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list
getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr
getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy
io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill
landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link
linkat listen listmount listxattr listxattrat llistxattr _llseek lremovexattr lseek lsetxattr lstat
lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod
mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt mprotect mq_getsetattr mq_notify mq_open
mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal
msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat
_newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease
pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv
recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat
renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min
sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop
semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32
setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid
setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit
set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setuid32 setxattr
setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn
socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask
uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid
waitpid write writev`;

/** From Linux 4.8 on, a tracer can no longer get around the filter of what it traces. */
const tracing = 'process_vm_readv process_vm_writev ptrace';
const tracingIsSafeFrom = '4.8';

/** What a capability is good for only together with these calls. */
const byCapability: Readonly<Record<string, string>> = {
  CAP_BPF: 'bpf',
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_PERFMON: 'perf_event_open',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie
    lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree
    perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2
    unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module finit_module init_module',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: `kcmp pidfd_getfd process_madvise ${tracing}`,
  CAP_SYS_RAWIO: 'ioperm iopl',
  CAP_SYS_TIME: 'clock_settime clock_settime64 settimeofday stime',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYSLOG: 'syslog',
};

/**
 * Address families (linux/socket.h) that a socket may have: not those nobody maintains (12, DECnet,
 * and others), not 38 (ALG: the kernel's ciphers), not 40 (VSOCK: the hypervisor, which no network
 * namespace holds back).
 */
const families: readonly (number | readonly [from: number, to: number])[] = [
  [0, 11],
  [13, 18],
  [21, 22],
  24,
  [26, 33],
  [35, 36],
  39,
  [41, 45],
];

/** linux/personality.h: PER_LINUX, PER_LINUX32, with UNAME26; ffffffff asks. */
const personalities = [0x0n, 0x8n, 0x20000n, 0x20008n, 0xffffffffn];

/** linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const namespaceFlags = 0x7e020000n;

/** The only capabilities that change the profile: others give the same program. */
export const countingCapabilities: bigint = capabilityBits(Object.keys(byCapability));

const words = (text: string): string[] => text.trim().split(/\s+/);

const condition = (op: Operator, value: bigint, valueTwo = 0n): Condition => ({
  index: 0,
  op,
  value,
  valueTwo,
});

const allowed = (names: string, ...conditions: readonly Condition[]): Rule => ({
  names: words(names),
  verdict: allow,
  conditions,
});

/**
 * New namespaces only with CAP_SYS_ADMIN. The flags of clone3 are behind a pointer: libraries fall
 * back to clone.
 */
const withoutNamespaces: readonly Rule[] = [
  allowed('clone', condition('SCMP_CMP_MASKED_EQ', namespaceFlags)),
  { names: ['clone3'], verdict: notImplemented, conditions: [] },
];

const sockets: readonly Rule[] = families.map((family) => {
  const [from, to] = typeof family === 'number' ? [family, family] : family;
  const conditions = [condition('SCMP_CMP_GE', BigInt(from)), condition('SCMP_CMP_LE', BigInt(to))];
  return allowed('socket', ...conditions);
});

/** The default for a container with these capabilities on this kernel. */
export function defaultProfile({ capabilities, kernel }: Circumstances): Profile {
  const has = (name: string) => (capabilities & capabilityBits([name])) !== 0n;
  const granted = Object.entries(byCapability).filter(([name]) => has(name));
  return {
    verdict: verdict('SCMP_ACT_ERRNO'),
    abis: ['x86_64', 'x86', 'x32'],
    rules: [
      allowed(everybody),
      ...(isAtLeast(kernel, tracingIsSafeFrom) ? [allowed(tracing)] : []),
      ...sockets,
      ...personalities.map((value) => allowed('personality', condition('SCMP_CMP_EQ', value))),
      ...granted.map(([, names]) => allowed(names)),
      ...(has('CAP_SYS_ADMIN') ? [] : withoutNamespaces),
    ],
  };
}
