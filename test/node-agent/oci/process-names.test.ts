/** Every name that `process` may say, against what the kernel shows of it: limits, capabilities, policies, classes. */

import { readFileSync } from 'node:fs';
import t from 'tap';
import { wireLimits } from '#node-agent/container/rlimits.ts';
import { rlimitNames } from '#node-agent/oci/config/process.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-names')());
let count = 0;
const run = (script: string, process: object, linux: object = {}) => {
  const bundle = rig.bundle(['sh', '-c', script], { process, linux });
  return rig.run(['run', '-b', bundle, `name${count++}`]);
};

/** proc(5), limits: the kernel's words for getrlimit(2)'s names. */
const limits: Readonly<Record<string, string>> = {
  RLIMIT_CPU: 'Max cpu time',
  RLIMIT_FSIZE: 'Max file size',
  RLIMIT_DATA: 'Max data size',
  RLIMIT_STACK: 'Max stack size',
  RLIMIT_CORE: 'Max core file size',
  RLIMIT_RSS: 'Max resident set',
  RLIMIT_NPROC: 'Max processes',
  RLIMIT_NOFILE: 'Max open files',
  RLIMIT_MEMLOCK: 'Max locked memory',
  RLIMIT_AS: 'Max address space',
  RLIMIT_LOCKS: 'Max file locks',
  RLIMIT_SIGPENDING: 'Max pending signals',
  RLIMIT_MSGQUEUE: 'Max msgqueue size',
  RLIMIT_NICE: 'Max nice priority',
  RLIMIT_RTPRIO: 'Max realtime priority',
  RLIMIT_RTTIME: 'Max realtime timeout',
};

/** `name → [soft, hard]` as /proc shows them. */
const shown = (text: string): ReadonlyMap<string, readonly string[]> =>
  new Map(
    text
      .split('\n')
      .slice(1)
      .map((line) => [line.slice(0, 26).trim(), line.slice(26).split(/\s+/).slice(0, 2)]),
  );

t.test('rlimits: each of the sixteen by its name', async (t) => {
  const own = shown(readFileSync('/proc/self/limits', 'utf8'));
  const asked = Object.entries(limits).map(([type, words], index) => {
    const [, hard = 'unlimited'] = own.get(words) ?? [];
    // Each a number of its own, and no more than may be had without CAP_SYS_RESOURCE.
    const wanted = 32 * 2 ** 20 + 4096 * index;
    const most = hard === 'unlimited' ? wanted : Math.min(wanted, Number(hard) - (index % 2));
    return { type, soft: Math.max(0, most - 1), hard: Math.max(0, most) };
  });
  t.equal(asked.length, 16);
  t.strictSame([...rlimitNames], Object.keys(limits), 'in getrlimit(2)’s order');
  const { stdout, stderr } = await run('cat /proc/self/limits', { rlimits: asked });
  const found = shown(stdout);
  for (const { type, soft, hard } of asked)
    t.strictSame(found.get(limits[type] ?? ''), [String(soft), String(hard)], type + stderr);
  const wire = asked.map((limit) => ({ ...limit, type: limit.type.slice(7).toLowerCase() }));
  t.strictSame(
    wireLimits(wire).map(({ resource }) => resource),
    [...Array(16).keys()],
    'the words of Docker are the same ones',
  );
  const { code, stderr: why } = await run('true', {
    rlimits: [{ type: 'RLIMIT_NONE', soft: 1, hard: 1 }],
  });
  t.equal(code, 1);
  t.match(why, /process\.rlimits\[0\]\.type: expected one of RLIMIT_CPU/);
});

/** The kernel's header, which knows nothing of our table. */
const header = readFileSync('/usr/include/linux/capability.h', 'utf8');
const numbers = [...header.matchAll(/^#define (CAP_[A-Z_]+)\s+(\d+)$/gm)].map(
  ([, name = '', number]) => [name, Number(number)] as const,
);

t.test('capabilities: each name is its number, in each of the five sets', async (t) => {
  t.ok(numbers.length >= 41, `${numbers.length} in the header`);
  const status = readFileSync('/proc/self/status', 'utf8');
  const ours = BigInt(`0x${/^CapBnd:\t(\w+)$/m.exec(status)?.[1]}`);
  // In the k-th container are those whose number, and one, has the k-th bit: together they tell each from all others.
  for (let bit = 0; bit < 6; bit++) {
    const some = numbers.filter(([, number]) => ((number + 1) >> bit) & 1);
    const names = some.map(([name]) => name);
    const wanted = some.reduce((set, [, number]) => set | (1n << BigInt(number)), 0n) & ours;
    const sets = ['bounding', 'permitted', 'effective', 'inheritable', 'ambient'];
    const capabilities = Object.fromEntries(sets.map((set) => [set, names]));
    const process = { capabilities, user: { uid: 5, gid: 5 } };
    const id = `capabilities${bit}`;
    await rig.ok(['create', '-b', rig.bundle(['true'], { process }), id]);
    const { pid } = await rig.state(id);
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    const digits = wanted.toString(16).padStart(16, '0');
    for (const set of ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb'])
      t.match(text, `${set}:\t${digits}\n`, `${set}: ${names.join(' ')}`);
    await rig.ok(['delete', '-f', id]);
  }
});

/** proc(5), stat: nice, the real-time priority, the policy. The shell reads it itself: a deadline's process may not fork. */
const look = 'read -r line < /proc/self/stat; echo "$line"';
const scheduling = (line: string): readonly number[] =>
  [18, 39, 40].map((field) => Number(line.split(' ')[field]));

t.test('scheduler: the policies that everybody may have', async (t) => {
  const cases = [
    [{ policy: 'SCHED_OTHER', nice: 3 }, [3, 0, 0]],
    [{ policy: 'SCHED_OTHER' }, [0, 0, 0]],
    [{ policy: 'SCHED_BATCH', nice: 19 }, [19, 0, 3]],
    [{ policy: 'SCHED_IDLE' }, [0, 0, 5]],
  ] as const;
  for (const [scheduler, wanted] of cases) {
    const { stdout, stderr } = await run(look, { scheduler });
    t.strictSame(scheduling(stdout), wanted, `${scheduler.policy}${stderr}`);
  }
});

/** Of the cgroup that all others are in; undefined: this kernel does not share real time out. */
function realTimeRuntime(): number | undefined {
  try {
    return Number(readFileSync('/sys/fs/cgroup/cpu/cpu.rt_runtime_us', 'utf8'));
  } catch {
    return;
  }
}

t.test('scheduler: real time as far as this machine lets, or an error that says why', async (t) => {
  const share = realTimeRuntime();
  const without = await run(look, { scheduler: { policy: 'SCHED_FIFO', priority: 7 } });
  const reason = /set the scheduler: operation not permitted \(process\.scheduler: .*realtimeRun/;
  if (without.code !== 0) t.match(without.stderr, reason);
  else t.strictSame(scheduling(without.stdout), [0, 7, 1]);
  if (share === 0) return t.comment('the cgroups here have no real time to share out');
  const cpu = { realtimePeriod: 1_000_000, realtimeRuntime: 1000 };
  const resources = share === undefined ? {} : { cpu };
  const cgroupsPath = `/bayplan-test-realtime-${process.pid}`;
  for (const [policy, number] of [
    ['SCHED_FIFO', 1],
    ['SCHED_RR', 2],
  ] as const) {
    const scheduler = { policy, priority: 10 + number, flags: ['SCHED_FLAG_RESET_ON_FORK'] };
    const { code, stdout, stderr } = await run(look, { scheduler }, { resources, cgroupsPath });
    if (code === 0) t.strictSame(scheduling(stdout), [0, 10 + number, number], policy);
    else t.match(stderr, /operation not permitted \(process\.scheduler: /, policy);
  }
});

t.test('scheduler: a deadline, and what cannot be', async (t) => {
  const times = { runtime: 1_000_000, deadline: 10_000_000, period: 20_000_000 };
  const { code, stdout, stderr } = await run(look, {
    scheduler: { policy: 'SCHED_DEADLINE', ...times },
  });
  if (code === 0) t.equal(scheduling(stdout)[2], 6);
  else t.match(stderr, /set the scheduler: (operation not permitted|resource busy|.*busy)/);
  const wrong = [
    [{ policy: 'SCHED_ISO' }, 'scheduler.policy: SCHED_ISO is a number that no kernel'],
    [{ policy: 'SCHED_NEW' }, 'scheduler.policy: expected one of SCHED_OTHER'],
    [{ policy: 'SCHED_RR' }, 'scheduler.priority: expected 1 to 99 for SCHED_RR, found 0'],
    [{ policy: 'SCHED_IDLE', priority: 1 }, 'scheduler.priority: expected 0 for SCHED_IDLE'],
    [{ policy: 'SCHED_DEADLINE' }, 'scheduler.runtime: expected at least 1024 ns'],
    [{ policy: 'SCHED_DEADLINE', ...times, runtime: 20_000_000 }, 'deadline: 10000000 is less'],
    [{ policy: 'SCHED_DEADLINE', ...times, period: 5_000_000 }, 'period: 5000000 is less than'],
    [{ policy: 'SCHED_OTHER', flags: ['SCHED_FLAG_UTIL_CLAMP_MIN'] }, 'scheduler.flags[0]: SCHED'],
  ] as const;
  for (const [scheduler, message] of wrong) {
    const refused = await run('true', { scheduler });
    t.match(refused, { code: 1, stderr: message }, message);
  }
});

t.test('ioPriority: each class, with its priority', async (t) => {
  const cases = [
    ['IOPRIO_CLASS_RT', 2, /^realtime: prio 2\n$/],
    ['IOPRIO_CLASS_BE', 0, /^best-effort: prio 0\n$/],
    ['IOPRIO_CLASS_BE', 7, /^best-effort: prio 7\n$/],
    ['IOPRIO_CLASS_IDLE', 0, /^idle\n$/],
  ] as const;
  for (const [name, priority, wanted] of cases) {
    const seen = await run('ionice -p 1', { ioPriority: { class: name, priority } });
    if (seen.code === 0) t.match(seen.stdout, wanted, name);
    else t.match(seen.stderr, /ioPriority: IOPRIO_CLASS_RT needs CAP_SYS_NICE/, name);
  }
  const none = await run('true', { ioPriority: { class: 'IOPRIO_CLASS_NONE', priority: 0 } });
  t.match(none, { code: 1, stderr: /process\.ioPriority\.class: expected one of IOPRIO_CLASS_RT/ });
});
