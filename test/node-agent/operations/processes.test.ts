/** A container's processes as ps shows them, and what it used. */
import { uptime } from 'node:os';
import t from 'tap';
import { networkBytes } from '#node-agent/operations/activity.ts';
import { columnsOf, processTable, readProcess } from '#node-agent/operations/processes.ts';
import { knownSignal } from '#node-agent/pod/stop.ts';

const titles = (options: string) => columnsOf(options).map(([title]) => title);

t.test('options of ps choose the columns', async (t) => {
  t.strictSame(titles(''), ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
  t.strictSame(titles('-ef'), titles(''));
  t.match(titles('aux'), ['USER', 'PID', '%CPU', '%MEM']);
  t.strictSame(titles('-o pid,comm'), ['PID', 'COMMAND']);
  t.strictSame(titles('-eo pid=NUMBER,args'), ['NUMBER', 'COMMAND']);
  t.strictSame(titles('-o pid -o user'), ['PID', 'USER']);
  for (const options of ['--forest', '-o nonsense', '-o', '-o $(id)']) {
    t.throws(() => columnsOf(options), /ps/, options);
  }
});

t.test('a process of this machine is told as it is', async (t) => {
  const nowMs = Date.now();
  const own = await readProcess(process.pid, nowMs - uptime() * 1000);
  t.match(own, { pid: process.pid, ppid: process.ppid, uid: process.getuid?.() });
  t.match(own?.command, process.argv[1]?.split('/').at(-1));
  t.ok(Math.abs((own?.startedAt ?? 0) - (nowMs - process.uptime() * 1000)) < 2_000);
  t.ok((own?.residentBytes ?? 0) > 1 << 20);
  const machine = { nowMs, memoryBytes: 1 << 30, users: new Map([[0, 'root']]) };
  const shown = processTable(own === undefined ? [] : [own], columnsOf('-o pid,nlwp'), machine);
  t.equal(shown.Processes[0]?.[0], String(process.pid));
  t.equal(await readProcess(4_194_303, 0), undefined);
});

t.test('network bytes are those of all links but loopback', async (t) => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes',
    '    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0',
    '  eth0: 1840 20 0 0 0 0 0 0 586 7 0 0 0 0 0 0',
    '  eth1:7 1 0 0 0 0 0 0 3 1 0 0 0 0 0 0',
  ].join('\n');
  t.strictSame(networkBytes(text), { received: 1847, sent: 589 });
  t.strictSame(networkBytes(''), { received: 0, sent: 0 });
});

t.test('signals are known by name and number', async (t) => {
  t.strictSame(['usr1', 'SIGTERM', '9', 'SIGRTMIN+1'].map(knownSignal), [10, 15, 9, 35]);
  for (const text of ['', 'NOPE', '0', '65', '-1', '1e1']) t.equal(knownSignal(text), undefined);
});
