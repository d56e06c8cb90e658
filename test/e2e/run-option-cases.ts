/** Flags of `bay run` with what is seen of them inside. */
import { hostname } from 'node:os';

export interface Case {
  readonly flags: string[];
  /** Run by a shell inside. */
  readonly look: string;
  readonly seen: string | RegExp;
}

const status = (field: string) => `sed -n 's/^${field}:\\t//p' /proc/self/status`;
const optionsOf = (target: string) => `awk '$5=="${target}"{print $6, $NF}' /proc/self/mountinfo`;

export const runOptionCases: readonly Case[] = [
  { flags: ['--init'], look: 'readlink /proc/1/exe; echo $PPID', seen: '/dev/init\n1\n' },
  {
    flags: ['--ulimit', 'nofile=123:456', '--ulimit', 'core=0'],
    look: 'ulimit -Sn; ulimit -Hn; ulimit -c',
    seen: '123\n456\n0\n',
  },
  { flags: ['--shm-size', '8m'], look: 'df -k /dev/shm | tail -1', seen: /\s8192\s/ },
  {
    flags: ['--sysctl', 'net.core.somaxconn=99', '--sysctl', 'kernel.shmmax=4096'],
    look: 'cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmax',
    seen: '99\n4096\n',
  },
  {
    flags: ['--device', '/dev/kmsg:/dev/mine:w'],
    look: '(: >/dev/mine) && stat -c %t:%T /dev/mine; (: </dev/mine) 2>&1 | grep -o "not permitted"',
    seen: '1:b\nnot permitted\n',
  },
  {
    flags: ['--security-opt', 'no-new-privileges'],
    look: status('NoNewPrivs'),
    seen: '1\n',
  },
  { flags: ['--security-opt', 'seccomp=unconfined'], look: status('Seccomp'), seen: '0\n' },
  {
    flags: ['--security-opt', 'systempaths=unconfined'],
    look: `${optionsOf('/proc/kcore')}; ${optionsOf('/proc/sys')}; echo end`,
    seen: 'end\n',
  },
  {
    flags: ['--tmpfs', '/t:size=1m,mode=1750,uid=7'],
    look: `stat -c '%a %u' /t; ${optionsOf('/t')}`,
    seen: /^1750 7\nrw,nosuid,nodev,noexec\S* rw,size=1024k/,
  },
  { flags: ['--tmpfs', '/t:exec'], look: optionsOf('/t'), seen: /^rw,nosuid,nodev,relatime/ },
  {
    flags: ['--mount', 'type=tmpfs,target=/t,tmpfs-size=2m,tmpfs-mode=700,readonly'],
    look: `stat -c %a /t; ${optionsOf('/t')}`,
    seen: /^700\nro,\S* \S*size=2048k/,
  },
  {
    flags: ['--read-only'],
    look: 'touch /x 2>&1; touch /dev/shm/x && echo shm',
    seen: /Read-only file system\nshm\n/,
  },
  {
    flags: ['--add-host', 'db:10.1.2.3', '--add-host', 'cache:10.1.2.3'],
    look: 'grep 10.1.2.3 /etc/hosts',
    seen: '10.1.2.3\tdb\tcache\n',
  },
  {
    flags: ['--dns', '10.9.9.9', '--dns-search', 'a.example', '--dns-option', 'ndots:3'],
    look: 'cat /etc/resolv.conf',
    seen: 'nameserver 10.9.9.9\nsearch a.example\noptions ndots:3\n',
  },
  {
    flags: ['-u', '1000:1000', '--group-add', '123', '--group-add', 'users'],
    look: 'id -u; id -g; id -G',
    seen: /^1000\n1000\n(?=.*\b123\b)(?=.*\b100\b)1000/,
  },
  {
    flags: ['--cap-add', 'NET_ADMIN', '--cap-drop', 'ALL'],
    look: status('CapEff'),
    seen: '0000000000001000\n',
  },
  { flags: ['--privileged'], look: status('Seccomp'), seen: '0\n' },
  {
    flags: ['--hostname', 'box', '--domainname', 'example.net'],
    look: 'hostname; cat /proc/sys/kernel/domainname',
    seen: 'box\nexample.net\n',
  },
  {
    flags: ['--pid', 'host'],
    look: 'tr "\\0" " " </proc/1/cmdline | grep -c sh-c-look || echo other',
    seen: '0\nother\n',
  },
  { flags: ['--uts', 'host'], look: 'hostname', seen: `${hostname()}\n` },
  {
    flags: ['--network', 'none'],
    look: "ip -o addr | awk '{print $2, $4}' | sort -u; ip route; wc -l </proc/net/dev",
    seen: /^lo 127\.0\.0\.1\/8\n(lo ::1\/128\n)?3\n$/,
  },
  {
    flags: ['--userns', 'private'],
    look: "awk '{print ($2 > 0), $3}' /proc/self/uid_map",
    seen: '1 65536\n',
  },
  { flags: ['--workdir', '/made/here'], look: 'pwd', seen: '/made/here\n' },
  { flags: ['--entrypoint', '', '-e', 'A=1', '-e', 'A=2'], look: 'echo $A', seen: '2\n' },
  {
    flags: ['-m', '32m', '--memory-swap', '64m'],
    look: 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max',
    seen: '33554432\n',
  },
  {
    flags: ['--cpus', '0.5', '--cpuset-cpus', '0'],
    look: `${status('Cpus_allowed_list')}; cat /sys/fs/cgroup/cpu*/cpu.cfs_quota_us 2>/dev/null | head -1 || cut -d' ' -f1 /sys/fs/cgroup/cpu.max`,
    seen: '0\n50000\n',
  },
  {
    flags: ['--pids-limit', '17'],
    look: 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max',
    seen: '17\n',
  },
  {
    flags: ['--security-opt', 'label=type:container_t', '--security-opt', 'apparmor=unconfined'],
    look: 'cat /proc/self/attr/current 2>/dev/null | tr -d "\\0"; echo on',
    seen: /on\n$/,
  },
  { flags: ['--oom-score-adj', '321'], look: 'cat /proc/self/oom_score_adj', seen: '321\n' },
];
