/** The small form of `bench/endurance.ts`. */
import t from 'tap';
import { leftOver, machine } from '../../support/machine.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { agentsDie, cycle, cycles, footprint, wakeAllThreads } from './endurance.ts';
import { startNode, stopNode, traces } from './node.ts';

const before = machine();
const node = await startNode('endurance');
t.setTimeout(240_000);
t.teardown(() => stopNode(node));

t.test('300 containers come and go and leave the machine and the agent as they were', async (t) => {
  t.setTimeout(120_000);
  // What is made once only: threads, the sealed program, compiled code.
  await wakeAllThreads(node);
  await cycles(node, 20);
  const { rssMiB, ...parts } = footprint();
  await cycles(node, 300);
  await cycle(node);
  const { rssMiB: later, ...after } = footprint();
  t.strictSame(after, parts);
  t.ok(later < rssMiB + 60, `${later} MiB after ${rssMiB}`);
  t.strictSame(traces(node), []);
  t.strictSame(await leftOver(before), {});
});

t.test('agents die at random: no container is lost, doubled or unreported', async (t) => {
  t.setTimeout(120_000);
  const { random, seed } = seededRandom();
  t.comment(`SEED=${seed}`);
  const { ran, ...wrong } = await agentsDie(node, { rounds: 6, containers: 10, random });
  t.strictSame(wrong, { lost: [], doubled: [], unreported: [] });
  t.ok(ran >= 10, `${ran} programs ran`);
  t.strictSame(traces(node), []);
  t.strictSame(await leftOver(before), {});
});
