/** How containers are listed, found by ports, updated and counted. */
import t from 'tap';
import { published } from '#cli/commands/port.ts';
import { filtered } from '#cli/commands/ps.ts';
import { binarySize, rowOf } from '#cli/commands/stats.ts';
import { updateOf } from '#cli/commands/update.ts';
import type { Container } from '#cli/container.ts';
import { checkName, namedAs } from '#cli/container-name.ts';
import { containerRow, statusText } from '#cli/container-rows.ts';
import { filtersOf } from '#cli/filters.ts';
import { restartOf } from '#cli/restart-policy.ts';
import { allPublished } from '#cli/run/image.ts';

const container = (name: string, spec = {}, status = {}): Container => ({
  apiVersion: 'bayplan.dev/v1alpha1',
  kind: 'Container',
  metadata: { name, uid: name, namespace: 'default' },
  spec: { image: 'busybox', ...spec },
  status,
});

t.test('ports are shown as docker port shows them', async (t) => {
  const ports = [
    { containerPort: 443, hostPort: 8443, hostIP: '127.0.0.1' },
    { containerPort: 80, hostPort: 8080 },
    { containerPort: 53, hostPort: 53, hostIP: '::1', protocol: 'UDP' },
    { containerPort: 9 },
  ];
  t.strictSame(published(container('a', { ports })), [
    { inside: '53/udp', outside: '[::1]:53' },
    { inside: '80/tcp', outside: '0.0.0.0:8080' },
    { inside: '443/tcp', outside: '127.0.0.1:8443' },
  ]);
  t.match(containerRow(container('a', { ports }), false)['Ports'], '0.0.0.0:8080->80/tcp');
});

t.test('a port that the node chose is shown as docker shows it, and none at rest', async (t) => {
  const ports = [
    { containerPort: 80, hostPort: 0 },
    { containerPort: 81, hostPort: 0 },
  ];
  const made = [{ containerPort: 80, hostPort: 40_000 }, { containerPort: 81 }];
  const running = container('a', { ports }, { ports: made });
  t.strictSame(published(running), [{ inside: '80/tcp', outside: '0.0.0.0:40000' }]);
  t.equal(containerRow(running, false)['Ports'], '0.0.0.0:40000->80/tcp, 81/tcp');
  const stale = container('a', { ports }, { ports: [{ containerPort: 79, hostPort: 40_000 }] });
  for (const one of [container('a', { ports }), stale]) {
    t.strictSame(published(one), []);
    t.equal(containerRow(one, false)['Ports'], '80/tcp, 81/tcp');
  }
});

t.test('-P publishes what the image and the document expose', async (t) => {
  const image = { Config: { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000-8001': {} } } };
  const own = [{ containerPort: 80, hostPort: 8080 }, { containerPort: 90 }];
  t.strictSame(allPublished(container('a', { ports: own }), image).spec.ports, [
    { containerPort: 80, hostPort: 8080 },
    { containerPort: 90, hostPort: 0 },
    { containerPort: 53, protocol: 'UDP', hostPort: 0 },
    { containerPort: 8000, hostPort: 0 },
    { containerPort: 8001, hostPort: 0 },
  ]);
  t.equal(allPublished(container('a'), {}).spec.ports, undefined);
  t.throws(() => allPublished(container('a'), undefined), /no node could tell which ports busybox/);
});

t.test('what is updated becomes the document, and 0 takes a limit away', async (t) => {
  t.strictSame(updateOf({ memory: '64m', cpus: '0.5', 'pids-limit': '20', 'cpu-shares': '512' }), {
    resources: { memory: '64Mi', cpu: '0.5', cpuShares: 512, pids: 20 },
  });
  const none = { memory: null, cpu: null, pids: null };
  t.strictSame(updateOf({ memory: '0', cpus: '0', 'pids-limit': '-1' }), { resources: none });
  t.strictSame(updateOf({ restart: 'on-failure:3' }), {
    restartPolicy: 'on-failure',
    maximumRetryCount: 3,
  });
  t.throws(() => updateOf({ memory: 'much' }), /-m 'much'/);
  t.throws(() => updateOf({ cpus: 'all' }), /--cpus 'all'/);
  t.throws(() => updateOf({ 'pids-limit': '1.5' }), /--pids-limit '1.5'/);
  for (const text of ['sometimes', 'always:3', 'on-failure:x', 'on-failure:1:2']) {
    t.throws(() => restartOf(text), /--restart/, text);
  }
});

t.test('names are those that docker allows', async (t) => {
  for (const name of ['web', 'My_App', 'a.b', 'x1']) t.doesNotThrow(() => checkName(name), name);
  for (const name of ['', 'a', '-a', 'a b', 'ä', '../x', `${'A'.repeat(64)}`]) {
    t.throws(() => checkName(name), name);
  }
  t.strictSame(namedAs('web', 'web'), { 'bayplan.dev/name': null });
});

t.test('CPU is the share of the time between two looks', async (t) => {
  const sample = {
    timeNanos: 1e9,
    cpuNanos: 1e8,
    memoryBytes: 1 << 20,
    memoryLimitBytes: 4 << 20,
    receivedBytes: 1500,
    sentBytes: 0,
    readBytes: 0,
    writtenBytes: 0,
    pids: 3,
  };
  const later = { ...sample, timeNanos: 2e9, cpuNanos: 6e8 };
  t.match(rowOf(container('a'), later, sample), {
    CPUPerc: '50.00%',
    MemUsage: '1MiB / 4MiB',
    MemPerc: '25.00%',
    NetIO: '1.5kB / 0B',
    PIDs: '3',
  });
  t.equal(rowOf(container('a'), later)['CPUPerc'], '0.00%');
  t.equal(rowOf(container('a'))['MemUsage'], '0B / 0B');
  t.strictSame([0, 1023, 1536, 1 << 30].map(binarySize), ['0B', '1023B', '1.5KiB', '1GiB']);
});

t.test('ps shows states in dockers words and filters', async (t) => {
  const startedAt = new Date(Date.now() - 90_000).toISOString();
  const all = [
    container('web', { labels: { team: 'x' } }, { phase: 'running', startedAt, health: 'healthy' }),
    container('db', {}, { phase: 'paused', startedAt }),
    container('job', {}, { phase: 'exited', exitCode: 3, finishedAt: startedAt }),
    container('new'),
  ];
  t.strictSame(all.map(statusText), [
    'Up About a minute (healthy)',
    'Up About a minute (Paused)',
    'Exited (3) About a minute ago',
    'Created',
  ]);
  const known = ['name', 'status', 'label', 'exited', 'ancestor', 'health'];
  const names = (...texts: string[]) =>
    filtered(all, filtersOf(texts, known)).map(({ metadata }) => metadata.name);
  t.strictSame(names('status=paused', 'status=exited'), ['db', 'job']);
  t.strictSame(names('label=team=x'), ['web']);
  t.strictSame(names('name=^j'), ['job']);
  t.strictSame(names('exited=3'), ['job']);
  t.strictSame(names('health=healthy'), ['web']);
  t.strictSame(names('ancestor=busybox:latest'), ['web', 'db', 'job', 'new']);
});
