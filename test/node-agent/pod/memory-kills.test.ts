/** What is told of processes killed for want of memory: once, with the container it was. */
import t from 'tap';
import type { ContainerRecord } from '#node-agent/container/runtime.ts';
import { MemoryKillEvents } from '#node-agent/pod/memory-kills.ts';
import type { PodEvents } from '#node-agent/pod/pod-events.ts';
import { podOf } from '../agent-rig.ts';

function rig() {
  const told: unknown[][] = [];
  const events = { warn: (_: unknown, ...rest: unknown[]) => told.push(rest) };
  const kills = new MemoryKillEvents(events as unknown as PodEvents);
  const record = (count: number, phase = 'running'): ContainerRecord =>
    ({
      spec: { id: 'a', labels: { 'io.kubernetes.container.name': 'main' } },
      state: { phase },
      ...(count === 0 ? {} : { memoryKills: { count, message: `${count} killed` } }),
    }) as never;
  return { told, kills, record };
}

t.test('each number is told once, as a warning of its container', async (t) => {
  const { told, kills, record } = rig();
  const pod = podOf('p');
  for (const count of [0, 1, 1, 3, 3]) kills.tell(record(count), pod);
  kills.tell(record(3, 'exited'), pod);
  t.strictSame(told, [
    ['OOMKilling', '1 killed', 'main'],
    ['OOMKilling', '3 killed', 'main'],
  ]);
});

t.test(
  'the kill that ended the container is told, too; a forgotten pod has no events',
  async (t) => {
    const { told, kills, record } = rig();
    kills.tell(record(1, 'exited'), undefined);
    t.strictSame(told, []);
    kills.tell(record(1, 'exited'), podOf('p'));
    t.strictSame(told, [['OOMKilling', '1 killed', 'main']]);
  },
);
