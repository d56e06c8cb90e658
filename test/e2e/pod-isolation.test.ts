/** What a Pod's security context makes of its containers, seen from inside, and what is refused. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ContainerStatus, Pod, PodContainer } from '#api/resources/types.ts';
import { TestCluster, waitFor } from '../support/cluster.ts';
import { refusedPods, seenInPods } from './pod-isolation-cases.ts';

const image = 'bayplan.local/busybox:latest';
t.setTimeout(240_000);

const aPod = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...metadata },
  spec: { restartPolicy: 'Never', ...spec },
});
const looking = (look: string, more: object = {}): Partial<PodContainer> => ({
  name: 'main',
  image,
  command: ['sh', '-c', look],
  ...more,
});

t.test('security contexts', async (t) => {
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up();
  const profiles = join(cluster.dataDir, 'seccomp');
  mkdirSync(profiles, { recursive: true });
  const denied = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }];
  writeFileSync(
    join(profiles, 'no-mkdir.json'),
    JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: denied }),
  );
  const apply = async (...documents: object[]) => {
    const file = join(cluster.folder, 'documents.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: documents }));
    const { code, stderr } = await cluster.bay('apply', '-f', file);
    return { code, stderr };
  };
  const get = async (kind: string, name: string, namespace = 'default') =>
    JSON.parse((await cluster.bay('get', kind, name, '-n', namespace, '-o', 'json')).stdout);
  const until = <T>(name: string, ask: (pod: Pod) => T | undefined, namespace?: string) =>
    waitFor(`pod ${name}`, async () => ask(await get('pod', name, namespace)));
  const mainOf = (pod: Pod): ContainerStatus | undefined => pod.status?.containerStatuses?.[0];

  const made = await apply(
    ...seenInPods.map(({ pod = {}, container = {}, look }, index) =>
      aPod(`seen-${index}`, { ...pod, containers: [looking(look, container)] }),
    ),
  );
  t.equal(made.code, 0, made.stderr);
  for (const [index, { what, seen }] of seenInPods.entries()) {
    await t.test(what, async (t) => {
      const name = `seen-${index}`;
      const ended = await until(name, (pod) =>
        ['Succeeded', 'Failed'].includes(pod.status?.phase ?? '') ? pod : undefined,
      );
      const { stdout } = await cluster.bay('logs', name);
      if (typeof seen === 'string') t.equal(stdout, seen, JSON.stringify(mainOf(ended)));
      else t.match(stdout, seen);
    });
  }

  for (const [
    index,
    { what, pod = {}, container = {}, reason, message },
  ] of refusedPods.entries()) {
    await t.test(`refused: ${what}`, async (t) => {
      const name = `refused-${index}`;
      const { code, stderr } = await apply(
        aPod(name, { ...pod, containers: [looking('echo ran', container)] }),
      );
      if (code !== 0) return t.match(stderr, message);
      const told = await until(name, ({ status: is }) => {
        const { waiting, terminated } = is?.containerStatuses?.[0]?.state ?? {};
        const all = is?.phase === 'Failed' ? [is, terminated] : [waiting, terminated];
        return all.find((one) => one?.reason === reason);
      });
      t.match(told.message, message);
      t.notMatch((await cluster.bay('logs', name)).stdout, /ran/);
    });
  }

  await t.test('shareProcessNamespace: true', async (t) => {
    const look =
      'until pidof sleep >/dev/null; do usleep 20000; done; tr "\\0" " " </proc/1/cmdline; echo; kill $(pidof sleep) && echo killed';
    const first = { name: 'first', image, command: ['sleep', '9999'] };
    await apply(
      aPod('sharing', { shareProcessNamespace: true, containers: [looking(look), first] }),
    );
    const ended = await until('sharing', (pod) =>
      pod.status?.containerStatuses?.every(({ state }) => state?.terminated) ? pod : undefined,
    );
    t.match((await cluster.bay('logs', 'sharing', '-c', 'main')).stdout, /init.*\nkilled\n/);
    const of = ended.status?.containerStatuses?.find(({ name }) => name === 'first');
    t.equal(of?.state?.terminated?.exitCode, 143);
  });

  await t.test('a Pod that claims another’s Container gets nothing of it', async (t) => {
    await cluster.bay(
      'run',
      '-d',
      '--name',
      'owned',
      image,
      'sh',
      '-c',
      'echo secret >/s; sleep 999',
    );
    const { metadata } = await get('containers.bayplan.dev', 'owned');
    const ownerReferences = [
      {
        apiVersion: 'bayplan.dev/v1alpha1',
        kind: 'Container',
        name: 'owned',
        uid: metadata.uid,
        controller: true,
      },
    ];
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'thief' } });
    await apply(
      aPod('owned', { containers: [looking('cat /s')] }, { namespace: 'thief', ownerReferences }),
    );
    const waiting = await until(
      'owned',
      (pod) => mainOf(pod)?.state?.waiting?.message && mainOf(pod)?.state?.waiting,
      'thief',
    );
    t.match(waiting, { reason: 'NotOfContainer', message: /thief\/owned is not that one/ });
    t.equal((await cluster.bay('exec', 'owned', 'cat', '/s')).stdout, 'secret\n');
  });

  await t.test('a Container: its layer is synced, Landlock closes what is not named', async (t) => {
    const container = (name: string, look: string, more: object) => ({
      apiVersion: 'bayplan.dev/v1alpha1',
      kind: 'Container',
      metadata: { name },
      spec: { image, command: ['sh', '-c', look], ...more },
    });
    const look =
      'cat /etc/hostname && (cat /etc/passwd || echo closed) 2>/dev/null; echo x >/tmp/x && echo written';
    const landlock = { readOnly: ['/bin', '/etc/hostname'], readWrite: ['/tmp', '/dev'] };
    await apply(
      container('synced', 'grep " / / " /proc/self/mountinfo | grep -c volatile', {}),
      container('locked', `mkdir -p /tmp; ${look}`, {
        security: { landlock },
        mounts: [{ type: 'tmpfs', target: '/tmp' }],
      }),
    );
    for (const [name, seen] of [
      ['synced', '0\n'],
      ['locked', 'locked\nclosed\nwritten\n'],
    ] as const) {
      await waitFor(
        `container ${name}`,
        async () =>
          (await get('containers.bayplan.dev', name)).status?.phase === 'exited' || undefined,
      );
      t.equal((await cluster.bay('logs', name)).stdout, seen);
    }
  });
});
