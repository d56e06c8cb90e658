/** `bay oci events`: figures, and what was killed for want of memory while the container goes on. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { readHierarchies } from '#node-agent/container/cgroups.ts';
import { needsRoot, scratch } from '../../support/scratch.ts';
import { until } from '../container/node.ts';
import { Rig } from './bundle.ts';

needsRoot();
const rig = new Rig(scratch('oci-events')());

interface Event {
  readonly type: string;
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const eventsIn = (text: string): Event[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

t.test(
  'a process killed for its memory is told with the limit, the most used, and its name',
  async (t) => {
    const limit = 16 << 20;
    const resources = { memory: { limit, swap: limit } };
    await rig.ok([
      'run',
      '-d',
      '-b',
      rig.bundle(['sleep', '1000'], { linux: { resources } }),
      'one',
    ]);
    const { said, ended } = rig.start(['events', '--interval', '60m', 'one']);
    await until('the first figures', () => said().includes('"stats"'));
    const greedy = 'x=$(head -c 100m /dev/zero | tr "\\0" x); echo $x';
    t.equal((await rig.run(['exec', 'one', 'sh', '-c', greedy])).code, 137);
    await until('the event', () => said().includes('"oom"'));
    t.equal((await rig.state('one')).status, 'running', 'the container goes on');
    await rig.ok(['kill', 'one', 'KILL']);
    const { code, stdout } = await ended;
    t.equal(code, 0, 'it ends with the container');
    const [first, ...ooms] = eventsIn(stdout);
    t.match(first, { type: 'stats', id: 'one' });
    t.match(ooms[0], { type: 'oom', id: 'one', data: { kills: 1, limitBytes: limit } });
    const peak = Number(ooms[0]?.data['peakBytes']);
    t.ok(peak > limit / 2 && peak <= limit, `${peak} of ${limit}`);
    // Not everybody may read the kernel's log.
    if (existsSync('/dev/kmsg')) t.match(ooms[0]?.data['victims'], [{ name: 'sh', pid: Number }]);
    await rig.ok(['delete', 'one']);
  },
);

t.test('figures are those of the cgroup, with pressure where the kernel measures it', async (t) => {
  const resources = { memory: { limit: 64 << 20 }, pids: { limit: 30 } };
  const busy = ['sh', '-c', 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 1000'];
  await rig.ok(['run', '-d', '-b', rig.bundle(busy, { linux: { resources } }), 'two']);
  const figures = async () => eventsIn(await rig.ok(['events', '--stats', 'two']))[0]?.data;
  await until(
    'CPU time',
    async () => Number(JSON.stringify(await figures()).match(/"total":(\d+)/)?.[1]) > 0,
  );
  const data = (await figures()) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  t.match(data, { pids: { limit: 30 }, memory: { usage: { limit: 64 << 20 } } });
  t.ok(Object.keys(data['memory']?.['raw'] as object).length > 10);
  const { v2 } = await readHierarchies();
  const measured = v2 !== undefined && existsSync(`${v2}/cpu.pressure`);
  t.equal(data['cpu']?.['psi'] !== undefined, measured);
  await rig.ok(['pause', 'two']);
  const { cpu: before } = (await figures()) as { cpu: { usage: object } };
  const { cpu: after } = (await figures()) as { cpu: { usage: object } };
  t.strictSame(after.usage, before.usage, 'a paused one uses nothing');
  await rig.ok(['delete', '-f', 'two']);
  t.match(await rig.run(['events', 'two']), { code: 1, stderr: /does not exist/ });
});
