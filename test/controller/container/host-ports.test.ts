/** Ports of the node that a Container's document leaves open. */
import t from 'tap';
import { containers, nodes, pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { containerController } from '#controller/container/controller.ts';
import { openPorts, withHostPorts } from '#controller/container/host-ports.ts';
import { plan } from '#controller/container/plan.ts';
import type { Container, ContainerSpec } from '#controller/container/types.ts';
import { schedulerController } from '#controller/scheduler/controller.ts';
import { aNode, aPod } from '../../support/builders.ts';
import { playAgent, running } from '../../support/controllers.ts';
import { crashEverywhere } from '../../support/crash.ts';
import type { MemoryApi } from '../../support/memory-collection.ts';

const document = (name: string, spec: Partial<ContainerSpec> = {}): Container => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
  spec: { image: 'busybox', ports: [{ containerPort: 80, hostPort: 0 }], ...spec },
});

const isOpen = (port = 0) => port >= openPorts.first && port <= openPorts.last;

const portsOf = (api: MemoryApi): number[] =>
  (api.store.all(pods) as Pod[]).flatMap((pod) =>
    (pod.spec?.containers ?? []).flatMap(({ ports = [] }) =>
      ports.flatMap(({ hostPort }) => hostPort ?? []),
    ),
  );

t.test('each open port gets one of its own, the same one again while it is free', async (t) => {
  const wanted = document('a', {
    ports: [
      { containerPort: 80, hostPort: 0 },
      { containerPort: 81 },
      { containerPort: 82, hostPort: 0 },
    ],
  });
  const chosen = (isTaken: (port: number) => boolean) =>
    withHostPorts(wanted, isTaken)?.ports?.map(({ hostPort }) => hostPort);
  const [first = 0, none, second] = chosen(() => false) ?? [];
  t.ok(isOpen(first) && isOpen(second));
  t.not(first, second);
  t.equal(none, undefined, 'what is only exposed stays so');
  t.strictSame(
    chosen(() => false),
    [first, none, second],
  );
  const others = chosen((port) => port === first) ?? [];
  t.notOk(others.includes(first));
  t.equal(new Set(others).size, 3);
  t.equal(
    chosen(() => true),
    undefined,
  );
  t.strictSame(
    chosen((port) => port < openPorts.last - 1),
    [openPorts.last - 1, none, openPorts.last],
  );
});

t.test('no port is looked for where there is none to have', async (t) => {
  const taken = () => true;
  const host = document('a', { network: 'host' });
  t.equal(withHostPorts(host, taken), host.spec);
  const explicit = document('a', { ports: [{ containerPort: 80, hostPort: 8080 }] });
  t.equal(withHostPorts(explicit, taken), explicit.spec);
});

t.test('when every port is taken the document says so, and it is tried again', async (t) => {
  const full = plan({
    container: document('a'),
    pod: undefined,
    gone: undefined,
    nowMs: 0,
    portTaken: () => true,
  });
  t.equal(full.create, undefined);
  t.ok((full.againMs ?? 0) > 0);
  const synced = full.status.conditions?.find(({ type }) => type === 'Synced');
  t.match(synced, { status: 'False', reason: 'NoFreePort', message: /32768 to 60999/ });
});

async function setUp() {
  const run = running(containerController, schedulerController);
  run.api.seed(nodes, aNode('a'));
  run.start();
  const rest = async () => {
    for (let round = 0; round < 4; round += 1) {
      await run.settle();
      playAgent(run.api, run.clock);
    }
    await run.settle();
  };
  return { ...run, rest, all: run.api.collection<Container>(containers) };
}

t.test('many at once have ports of their own, which their documents tell', async (t) => {
  const { api, rest, all } = await setUp();
  const names = Array.from({ length: 40 }, (_, i) => `c${i}`);
  await Promise.all(names.map((name) => all.create(document(name))));
  await rest();
  const ports = portsOf(api);
  t.equal(ports.length, 40);
  t.equal(new Set(ports).size, 40);
  const { items } = await all.list({ namespace: 'default' });
  const told = items.map(({ status }) => status?.ports?.[0]?.hostPort);
  t.strictSame(told.toSorted(), ports.toSorted());
  t.equal(items[0]?.spec.ports?.[0]?.hostPort, 0, 'the document is as it was');
});

t.test(
  'a port that others ask for by number is left to them; that of an ended Pod is free',
  async (t) => {
    const [{ hostPort = 0 } = {}] = withHostPorts(document('web'), () => false)?.ports ?? [];
    for (const phase of ['Running', 'Succeeded']) {
      const { api, rest, all } = await setUp();
      const held = aPod('other');
      const [one] = held.spec?.containers ?? [];
      const container = { ...one, ports: [{ containerPort: 1, hostPort }] };
      api.store.put(pods, {
        ...held,
        spec: { ...held.spec, containers: [container] },
        status: { phase },
      } as Pod);
      await all.create(document('web'));
      await rest();
      const told = (await all.get({ name: 'web', namespace: 'default' })).status?.ports?.[0]
        ?.hostPort;
      if (phase === 'Running') t.not(told, hostPort);
      t.ok(isOpen(told), phase);
    }
    const { rest, all } = await setUp();
    const byNumber = document('stopped', {
      state: 'Stopped',
      ports: [{ containerPort: 1, hostPort }],
    });
    await all.create(byNumber);
    await rest();
    await all.create(document('web'));
    await rest();
    const { status } = await all.get({ name: 'web', namespace: 'default' });
    t.not(status?.ports?.[0]?.hostPort, hostPort);
  },
);

t.test('a container at rest has no port of the node', async (t) => {
  const { rest, all } = await setUp();
  await all.create(document('web'));
  await rest();
  const ref = { name: 'web', namespace: 'default' };
  t.ok(isOpen((await all.get(ref)).status?.ports?.[0]?.hostPort));
  await all.patch(ref, { spec: { state: 'Stopped' } }, 'merge');
  await rest();
  t.strictSame((await all.get(ref)).status?.ports, [{ containerPort: 80 }]);
});

t.test('a kill before any write leaves every container with one port, nobody else’s', async (t) => {
  const scenario = {
    controllers: [containerController, schedulerController],
    steps: [
      (api: MemoryApi) => api.seed(nodes, aNode('a')),
      async (api: MemoryApi) => {
        const all = api.collection<Container>(containers);
        for (const name of ['x', 'y', 'z']) await all.create(document(name));
      },
    ],
    picture: (api: MemoryApi) => {
      const ports = portsOf(api);
      const told = (api.store.all(containers) as Container[]).map(({ status }) => ({
        phase: status?.phase,
        isHis: ports.includes(status?.ports?.[0]?.hostPort ?? 0),
      }));
      return { ports: ports.length, different: new Set(ports).size, told };
    },
  };
  const writes = await crashEverywhere(scenario, (result, undisturbed, crashAt) =>
    t.strictSame(result, undisturbed, `killed before write ${crashAt}`),
  );
  t.ok(writes >= 6, `${writes} writes`);
});
