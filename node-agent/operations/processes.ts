/**
 * `docker top`: a container's processes as `ps` shows them, read from /proc. What is understood of ps's options is `-ef`,
 * `aux` and `-o NAME,…`; no program is run for it.
 */
import { readFile } from 'node:fs/promises';
import { badRequest } from '#api/resources/status.ts';

export interface ProcessFacts {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly state: string;
  readonly tty: number;
  /** Of a CPU, in seconds. */
  readonly cpuSeconds: number;
  /** Since the epoch, in milliseconds. */
  readonly startedAt: number;
  readonly virtualBytes: number;
  readonly residentBytes: number;
  readonly nice: number;
  readonly threads: number;
  readonly name: string;
  readonly command: string;
}

interface Machine {
  readonly nowMs: number;
  readonly memoryBytes: number;
  /** Names of the node's users, as ps shows the owners of processes. */
  readonly users: ReadonlyMap<number, string>;
}

type Column = readonly [title: string, show: (facts: ProcessFacts, machine: Machine) => string];

/** Jiffies a second as the kernel tells them in /proc, whatever it counts itself (sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100;
const pageBytes = 4096;

const two = (number: number): string => String(number).padStart(2, '0');

function cpuTime(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

function bsdTime(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
}

/** ps's way: the time of today, the day of this year, else the year. */
function startTime(startedAt: number, nowMs: number): string {
  const [start, now] = [new Date(startedAt), new Date(nowMs)];
  if (start.toDateString() === now.toDateString()) {
    return `${two(start.getHours())}:${two(start.getMinutes())}`;
  }
  if (start.getFullYear() !== now.getFullYear()) return String(start.getFullYear());
  const month = start.toLocaleString('en-US', { month: 'short' });
  return `${month}${two(start.getDate())}`;
}

/** Major and minor as the kernel packs them into `tty_nr`. */
function ttyName(number: number): string {
  if (number === 0) return '?';
  const [major, minor] = [(number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00)];
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  return major === 4 ? `tty${minor}` : '?';
}

const userName = ({ uid }: ProcessFacts, { users }: Machine) => users.get(uid) ?? String(uid);
const elapsed = ({ startedAt }: ProcessFacts, { nowMs }: Machine) =>
  Math.max(1, (nowMs - startedAt) / 1000);
const share = (facts: ProcessFacts, machine: Machine) =>
  (100 * facts.cpuSeconds) / elapsed(facts, machine);

const columns: Readonly<Record<string, Column>> = {
  user: ['USER', userName],
  uid: ['UID', ({ uid }) => String(uid)],
  pid: ['PID', ({ pid }) => String(pid)],
  ppid: ['PPID', ({ ppid }) => String(ppid)],
  c: ['C', (facts, machine) => String(Math.floor(share(facts, machine)))],
  pcpu: ['%CPU', (facts, machine) => share(facts, machine).toFixed(1)],
  pmem: ['%MEM', (f, { memoryBytes }) => ((100 * f.residentBytes) / memoryBytes).toFixed(1)],
  vsz: ['VSZ', ({ virtualBytes }) => String(Math.floor(virtualBytes / 1024))],
  rss: ['RSS', ({ residentBytes }) => String(Math.floor(residentBytes / 1024))],
  tty: ['TTY', ({ tty }) => ttyName(tty)],
  stat: ['STAT', ({ state }) => state],
  stime: ['STIME', ({ startedAt }, { nowMs }) => startTime(startedAt, nowMs)],
  time: ['TIME', ({ cpuSeconds }) => cpuTime(cpuSeconds)],
  etimes: ['ELAPSED', (facts, machine) => String(Math.floor(elapsed(facts, machine)))],
  ni: ['NI', ({ nice }) => String(nice)],
  nlwp: ['NLWP', ({ threads }) => String(threads)],
  comm: ['COMMAND', ({ name }) => name],
  args: ['COMMAND', ({ command }) => command],
};

const others: Readonly<Record<string, string>> = {
  '%cpu': 'pcpu',
  '%mem': 'pmem',
  tname: 'tty',
  tt: 'tty',
  s: 'stat',
  state: 'stat',
  start: 'stime',
  cputime: 'time',
  nice: 'ni',
  thcount: 'nlwp',
  ucmd: 'comm',
  cmd: 'args',
  command: 'args',
  euser: 'user',
  vsize: 'vsz',
  rssize: 'rss',
};

const column = (name: string, title?: string): Column => {
  const found = columns[others[name] ?? name];
  if (found === undefined) throw badRequest(`ps: '${name}' is no column that this node knows`);
  return title === undefined ? found : [title, found[1]];
};

const full: readonly Column[] = [
  column('user', 'UID'),
  ...['pid', 'ppid', 'c', 'stime', 'tty', 'time'].map((name) => column(name)),
  column('args', 'CMD'),
];

const bsd: readonly Column[] = [
  ...['user', 'pid', 'pcpu', 'pmem', 'vsz', 'rss', 'tty', 'stat'].map((name) => column(name)),
  column('stime', 'START'),
  ['TIME', ({ cpuSeconds }) => bsdTime(cpuSeconds)],
  column('args'),
];

/** Pure: which columns ps's options ask for. @throws StatusError 400 for options that are not understood */
export function columnsOf(options: string): readonly Column[] {
  const words = options.trim().split(/\s+/).filter(Boolean);
  const [first = '-ef'] = words;
  if (words.length < 2 && /^-[ef]+$|^-eF?f?$/.test(first)) return full;
  if (words.length < 2 && /^-?[aux]+$/.test(first)) return bsd;
  // What is no switch is a list of columns; `-o`, alone or after others (`-eo`), announces one.
  const lists = words.map((word) => word.replace(/^-[aexuf]*o/, ''));
  const names = lists.flatMap((word) => word.split(','));
  const announced = words.some((word) => /^-[aexuf]*o/.test(word));
  const wanted = announced ? names.filter((name) => name !== '' && !/^-[aexf]+$/.test(name)) : [];
  if (wanted.length === 0) {
    throw badRequest(`ps options '${options}' are not understood: -ef, aux or -o NAME,…`);
  }
  return wanted.map((name) => column(name.replace(/=.*$/, ''), /=(.+)$/.exec(name)?.[1]));
}

/** Pure: docker's answer. */
export function processTable(
  processes: readonly ProcessFacts[],
  shown: readonly Column[],
  machine: Machine,
) {
  return {
    Titles: shown.map(([title]) => title),
    Processes: processes.map((facts) => shown.map(([, show]) => show(facts, machine))),
  };
}

/** One process; undefined when it has ended. `bootMs`: when the machine was started. */
export async function readProcess(pid: number, bootMs: number): Promise<ProcessFacts | undefined> {
  const file = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => undefined);
  const [stat, status, line] = await Promise.all([file('stat'), file('status'), file('cmdline')]);
  if (stat === undefined || status === undefined) return undefined;
  const close = stat.lastIndexOf(')');
  const name = stat.slice(stat.indexOf('(') + 1, close);
  const fields = stat.slice(close + 2).split(' ');
  const number = (index: number) => Number(fields[index - 3] ?? 0);
  const command = (line ?? '').replace(/\0+$/, '').replaceAll('\0', ' ');
  return {
    pid,
    ppid: number(4),
    uid: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? 0),
    state: fields[0] ?? '?',
    tty: number(7),
    cpuSeconds: (number(14) + number(15)) / ticksPerSecond,
    startedAt: bootMs + (number(22) * 1000) / ticksPerSecond,
    virtualBytes: number(23),
    residentBytes: number(24) * pageBytes,
    nice: number(19),
    threads: number(20),
    name,
    command: command === '' ? `[${name}]` : command,
  };
}
