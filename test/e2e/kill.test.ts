/**
 * kill -9 of every part while 20 pods run, and in the middle of a rolling update: no container restarts, none is
 * doubled, the cluster converges.
 */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import type { Deployment, Pod } from '#api/resources/types.ts';
import { TestCluster, waitFor, withoutKubectl } from '../support/cluster.ts';
import { leftOver, machine } from '../support/machine.ts';

const count = 20;
t.setTimeout(280_000);
const before = machine();
const skip = await withoutKubectl();
/** An argument that tells our containers' processes from all others on the machine. */
const mark = String(80_000_000 + process.pid);

const crowd = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: crowd}
spec:
  replicas: ${count}
  minReadySeconds: 1
  strategy: {rollingUpdate: {maxSurge: 4, maxUnavailable: 0}}
  selector: {matchLabels: {app: crowd}}
  template:
    metadata: {labels: {app: crowd}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: 'bayplan.local/busybox:latest', command: [sleep, '${mark}']}
`;

/** `pid:start time` of every container process: a restart or a double would show. */
function containerProcesses(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`sleep\0${mark}`)) return [];
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return [`${pid}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`];
      } catch {
        return [];
      }
    })
    .sort();
}

/** Kills the parent of one of the containers' processes; whether it was still there, while old pods go one by one. */
function killASupervisor(): true | undefined {
  try {
    const [first = ''] = containerProcesses();
    const stat = readFileSync(`/proc/${first.split(':')[0]}/stat`, 'utf8');
    return process.kill(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]), 'SIGKILL');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

t.test(
  'twenty pods live through the death of every part',
  { skip, timeout: 300_000 },
  async (t) => {
    const cluster = await TestCluster.create();
    t.teardown(() => cluster.destroy());
    await cluster.up();
    await cluster.apply(crowd);
    const pods = async (): Promise<Pod[]> =>
      (await cluster.json<{ items: Pod[] }>('get', 'pods', '-l', 'app=crowd')).items;
    const running = (items: readonly Pod[]) =>
      items.filter((pod) =>
        pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
      );
    const all = await waitFor(
      'all pods',
      async () => {
        const items = running(await pods());
        return items.length === count ? items : undefined;
      },
      60_000,
    );
    const processes = containerProcesses();
    t.equal(processes.length, count);
    const ids = (items: readonly Pod[]) =>
      items
        .map((pod) => `${pod.metadata.uid} ${pod.status?.containerStatuses?.[0]?.containerID}`)
        .sort();

    for (const part of ['agent', 'api', 'controller', 'etcd']) {
      await t.test(`kill -9 ${part}`, async (t) => {
        const pid = cluster.state()?.parts[part];
        if (pid === undefined) throw new Error(`no pid of ${part}`);
        process.kill(pid, 'SIGKILL');
        await waitFor(`${part} to be started again`, () => {
          const now = cluster.state()?.parts[part];
          return now !== undefined && now !== pid ? true : undefined;
        });
        // The cluster works again: something new is made, runs, and goes.
        const name = `after-${part}`;
        await waitFor(
          'a new pod to be taken',
          async () => {
            const { code } = await cluster.kubectl(
              'run',
              name,
              '--image=bayplan.local/busybox:latest',
              '--restart=Never',
              '--',
              'true',
            );
            return code === 0 || (await cluster.kubectl('get', 'pod', name)).code === 0
              ? true
              : undefined;
          },
          60_000,
        );
        await waitFor(
          'the new pod to have run',
          async () => {
            const { code, stdout } = await cluster.kubectl(
              'get',
              'pod',
              name,
              '-o',
              'jsonpath={.status.phase}',
            );
            return code === 0 && stdout === 'Succeeded' ? true : undefined;
          },
          60_000,
        ).catch((error: Error) => {
          throw new Error(`${error.message}\n${cluster.logs()}`);
        });
        t.equal((await cluster.kubectl('delete', 'pod', name)).code, 0);
        const items = await pods();
        t.strictSame(containerProcesses(), processes, 'the same processes run');
        t.strictSame(ids(items), ids(all), 'the same pods with the same containers');
        t.equal(running(items).length, count, 'all are ready');
        t.ok(items.every((pod) => pod.status?.containerStatuses?.[0]?.restartCount === 0));
      });
    }
    await t.test('kill -9 of each, and of a supervisor, during a rolling update', async (t) => {
      const old = new Set(all.map(({ metadata }) => metadata.uid));
      t.equal((await cluster.kubectl('set', 'env', 'deployment/crowd', 'ROUND=2')).code, 0);
      const updated = async (): Promise<number> =>
        (await cluster.json<Deployment>('get', 'deployment', 'crowd').catch(() => undefined))
          ?.status?.updatedReplicas ?? 0;
      const parts = ['agent', 'api', 'controller', 'etcd', 'supervisor'];
      for (const [i, part] of parts.entries()) {
        await waitFor(
          `the update to go on before ${part} dies`,
          async () => ((await updated()) > 3 * i ? true : undefined),
          120_000,
        );
        if (part === 'supervisor') {
          await waitFor('a supervisor to kill', killASupervisor);
          continue;
        }
        const pid = cluster.state()?.parts[part];
        if (pid === undefined) throw new Error(`no pid of ${part}`);
        process.kill(pid, 'SIGKILL');
      }
      const items = await waitFor(
        'the update to end',
        async () => {
          // A pod's document outlives its processes by a little: none may be left of the old ones.
          const found = await pods().catch(() => []);
          const fresh = running(found).filter(({ metadata }) => !old.has(metadata.uid));
          const done = found.length === count && fresh.length === count;
          return done && containerProcesses().length === count ? fresh : undefined;
        },
        120_000,
      ).catch((error: Error) => {
        throw new Error(`${error.message}\n${cluster.logs()}`);
      });
      const restarts = items.map(({ status }) => status?.containerStatuses?.[0]?.restartCount ?? 0);
      const sum = restarts.reduce((a, b) => a + b, 0);
      t.ok(sum <= 1, `only what the supervisor held may have started again: ${restarts}`);
    });
    t.equal(await cluster.interrupt(), 0, cluster.output);
  },
);

t.test('afterwards the machine is as it was', { skip }, async (t) => {
  t.strictSame(await leftOver(before), {});
});
