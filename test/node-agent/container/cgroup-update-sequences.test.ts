/** Updates one after the other, and those that were interrupted: the kernel refuses no write. */
import t from 'tap';
import { checkResources } from '#node-agent/container/cgroup-check.ts';
import {
  mergeResources,
  ResourceError,
  type Resources,
} from '#node-agent/container/cgroup-resources.ts';
import { updateSteps } from '#node-agent/container/cgroup-update.ts';
import { directoriesOf } from '#node-agent/container/cgroups.ts';
import { machines } from '../../support/cgroup-fake.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { kinds, made, path } from './cgroup-machine.ts';

t.test('an update that was interrupted is finished when it is done again', async (t) => {
  for (const kind of kinds) {
    const present = { pids: { limit: 5 } };
    const change = { cpu: { cpus: '1', quota: 20_000 }, memory: { limit: 100, swap: 200 } };
    const steps = updateSteps(machines[kind], path, { present, change });
    for (let done = 0; done <= steps.length; done++) {
      const fake = made(kind, present);
      fake.run(steps.slice(0, done));
      // What was kept is the old, or the new.
      for (const kept of [present, mergeResources(present, change)]) {
        fake.run(updateSteps(machines[kind], path, { present: kept, change }));
      }
      fake.join(directoriesOf(machines[kind], path, change));
    }
  }
  t.pass('no step was refused');
});

const { random: fraction, seed } = seededRandom();
const random = (below: number): number => Math.floor(fraction() * below);

t.test(
  `whatever is asked for one after the other, the kernel takes it (SEED=${seed})`,
  async (t) => {
    const maybe = <T>(value: T): T | undefined => (random(2) === 0 ? undefined : value);
    const compact = (group: object) =>
      Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined));
    const amount = () => (random(6) === 0 ? -1 : 100 + random(1000));
    const change = (): Resources => ({
      cpu: compact({
        shares: maybe(2 + random(5000)),
        quota: maybe(random(5) === 0 ? -1 : 1000 + random(200_000)),
        period: maybe(1000 + random(900_000)),
        burst: maybe(random(1000)),
        idle: random(8) === 0 ? random(2) : undefined,
        cpus: maybe(String(random(4))),
      }),
      memory: compact({
        limit: maybe(amount()),
        swap: maybe(amount()),
        reservation: maybe(amount()),
      }),
      ...(random(2) === 0 ? {} : { pids: { limit: amount() } }),
    });
    let taken = 0;
    for (const kind of kinds) {
      for (let round = 0; round < 60; round++) {
        let present: Resources = {};
        const fake = made(kind);
        for (let step = 0; step < 8; step++) {
          const wanted = change();
          const next = mergeResources(present, wanted);
          try {
            checkResources(next);
          } catch (error) {
            if (error instanceof ResourceError) continue;
            throw error;
          }
          fake.run(updateSteps(machines[kind], path, { present, change: wanted }));
          present = next;
          taken++;
        }
      }
    }
    t.ok(taken > 300, `${taken} updates`);
  },
);
