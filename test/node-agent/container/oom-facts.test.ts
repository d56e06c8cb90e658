/** Why a container ran out of memory, read from either version's files: a machine that is not there. */

import { mkdirSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { oomFile } from '#node-agent/container/cgroup-limits.ts';
import { oomFacts, oomMessage } from '#node-agent/container/cgroup-oom.ts';
import type { Hierarchies } from '#node-agent/container/cgroups.ts';
import { scratch } from '../../support/scratch.ts';

const fresh = scratch('oom-facts');
const path = '/bayplan-no-such-cgroup/one';

function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = fresh();
  mkdirSync(`${directory}${path}`, { recursive: true });
  for (const [name, content] of Object.entries(files))
    writeFileSync(`${directory}${path}/${name}`, content);
  return directory;
}

t.test(
  'v2: memory.events counts the killed, not the groups nor the times it ran out',
  async (t) => {
    const v2 = directoryWith({
      'memory.events': 'low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n',
      'memory.current': '1048576\n',
      'memory.peak': '3145728\n',
      'memory.max': '4194304\n',
      'memory.stat': 'anon 100\n',
    });
    const machine: Hierarchies = { v1: {}, v1Mounts: [], v2, v2Controllers: ['memory'] };
    t.equal(oomFile(machine, path), `${v2}${path}/memory.events`);
    const wanted = { kills: 5, limitBytes: 4 << 20, usageBytes: 1 << 20, peakBytes: 3 << 20 };
    t.strictSame(await oomFacts(machine, path, 3), { ...wanted, victims: [] });
    t.equal(
      await oomMessage(machine, path),
      'Out of memory: 5 processes killed; limit 4.0 MiB, most used 3.0 MiB.',
    );
    writeFileSync(`${v2}${path}/memory.max`, 'max\n');
    t.match(await oomMessage(machine, path), 'no limit of its own');
  },
);

t.test('v1: memory.oom_control counts them', async (t) => {
  const memory = directoryWith({
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 1\noom_kill 2\n',
    'memory.usage_in_bytes': '1048576\n',
    'memory.max_usage_in_bytes': '2097152\n',
    'memory.limit_in_bytes': '2097152\n',
    'memory.memsw.usage_in_bytes': '1048576\n',
    'memory.stat': 'total_rss 100\n',
  });
  const machine: Hierarchies = { v1: { memory }, v1Mounts: [], v2Controllers: [] };
  t.equal(oomFile(machine, path), `${memory}${path}/memory.oom_control`);
  const wanted = { kills: 2, limitBytes: 2 << 20, usageBytes: 1 << 20, peakBytes: 2 << 20 };
  t.strictSame(await oomFacts(machine, path, 3), { ...wanted, victims: [] });
});

t.test('without the controller nothing is counted', (t) => {
  t.equal(oomFile({ v1: {}, v1Mounts: [], v2Controllers: [] }, path), '');
  t.end();
});
