import t from 'tap';
import type { ContainerStatus, Pod } from '#api/resources/types.ts';
import { podStatus, statusBase } from '#node-agent/pod/status.ts';
import type { Attempt, ContainerView, PodView } from '#node-agent/pod/view.ts';

const now = Date.parse('2026-05-01T12:00:00Z');
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();
const node = { hostIPs: ['192.0.2.1'] };

const podWith = (fields: Partial<Pod> = {}, spec: Partial<NonNullable<Pod['spec']>> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'u', generation: 3 },
  spec: { containers: [{ name: 'a', image: 'x' }], ...spec },
  ...fields,
});
const view = (pod: Pod, containers: Record<string, ContainerView>, fields = {}): PodView => ({
  uid: 'u',
  pod,
  now,
  acknowledgedAt: now - 9_000,
  sandboxReady: true,
  ready: true,
  standing: true,
  released: false,
  ip: '10.0.0.5',
  containers: new Map(Object.entries(containers)),
  ...fields,
});
const attempt = (fields: Partial<Attempt>, number = 0): Attempt => ({
  id: `id${number}`,
  container: 'a',
  attempt: number,
  restartDelayMs: 0,
  imageId: 'sha256:1',
  state: { phase: 'running', pid: 1, startedAt: ago(60) },
  ...fields,
});
const ended = (exitCode: number, fields: Partial<Attempt> = {}, number = 0, oomKilled = false) =>
  attempt(
    {
      ...fields,
      state: { phase: 'exited', exitCode, oomKilled, startedAt: ago(60), finishedAt: ago(1) },
    },
    number,
  );
const of = (...attempts: Attempt[]): ContainerView => ({ attempts });
const status = (pod: Pod, containers: Record<string, ContainerView>, fields = {}) =>
  podStatus(view(pod, containers, fields), pod, node);

t.test('the phase follows from containers and restart policy', async (t) => {
  const two = { containers: [{ name: 'a' }, { name: 'b' }] };
  const never = { ...two, restartPolicy: 'Never' };
  const deleted = { metadata: { name: 'p', uid: 'u', deletionTimestamp: ago(1) } };
  const running = of(attempt({}));
  const cases: [string, Pod, Record<string, ContainerView>, string][] = [
    ['nothing started', podWith({}, two), {}, 'Pending'],
    ['one of two started', podWith({}, two), { a: running }, 'Pending'],
    ['all started', podWith({}, two), { a: running, b: running }, 'Running'],
    [
      'all crashed, to be restarted',
      podWith({}, two),
      { a: of(ended(1)), b: of(ended(1)) },
      'Running',
    ],
    ['one failed, one runs', podWith({}, never), { a: of(ended(1)), b: running }, 'Running'],
    ['both well', podWith({}, never), { a: of(ended(0)), b: of(ended(0)) }, 'Succeeded'],
    ['one not', podWith({}, never), { a: of(ended(0)), b: of(ended(2)) }, 'Failed'],
    ['deleted, stopped with 0', podWith(deleted), { a: of(ended(0)) }, 'Succeeded'],
    ['deleted, killed', podWith(deleted), { a: of(ended(137)) }, 'Failed'],
    ['deleted before it started', podWith(deleted), {}, 'Pending'],
    ['a terminal phase stays', podWith({ status: { phase: 'Failed' } }), { a: running }, 'Failed'],
  ];
  for (const [name, pod, containers, phase] of cases) {
    t.equal(status(pod, containers).phase, phase, name);
  }
});

t.test('a container’s state has Kubernetes’ reasons', async (t) => {
  const never = { restartPolicy: 'Never' };
  const waiting = { reason: 'ErrImagePull', message: 'm', retryAt: now + 1 };
  const only = (spec: object, container: ContainerView, fields = {}): ContainerStatus =>
    status(podWith({}, spec), { a: container }, fields).containerStatuses?.[0] as ContainerStatus;
  const cases: [string, ContainerStatus, object][] = [
    [
      'new',
      only({}, of()),
      { state: { waiting: { reason: 'ContainerCreating' } }, restartCount: 0 },
    ],
    [
      'after inits',
      only({ initContainers: [{ name: 'i' }] }, of()),
      { state: { waiting: { reason: 'PodInitializing' } } },
    ],
    [
      'image',
      only({}, { attempts: [], waiting }),
      { state: { waiting: { reason: 'ErrImagePull', message: 'm' } } },
    ],
    [
      'done',
      only(never, of(ended(0))),
      { state: { terminated: { reason: 'Completed', exitCode: 0 } } },
    ],
    [
      'error',
      only(never, of(ended(3))),
      { state: { terminated: { reason: 'Error', exitCode: 3 } } },
    ],
    [
      'memory',
      only(never, of(ended(137, {}, 0, true))),
      { state: { terminated: { reason: 'OOMKilled' } } },
    ],
    [
      'back-off',
      only({}, of(ended(1, { restartDelayMs: 80_000 }, 4))),
      {
        restartCount: 4,
        ready: false,
        state: {
          waiting: { reason: 'CrashLoopBackOff', message: /^back-off 1m20s .*pod=p_default\(u\)$/ },
        },
        lastState: { terminated: { exitCode: 1 } },
      },
    ],
    [
      'running again',
      only({}, of(ended(1), attempt({}, 1))),
      {
        restartCount: 1,
        ready: true,
        state: { running: {} },
        lastState: { terminated: { exitCode: 1 } },
      },
    ],
  ];
  for (const [name, found, wanted] of cases) t.match(found, wanted, name);
});

t.test('readiness gates and deadlines are said as Kubernetes says them', async (t) => {
  const gated = podWith({}, { readinessGates: [{ conditionType: 'x/y' }] });
  const ready = status(gated, { a: of(attempt({})) }).conditions?.find((c) => c.type === 'Ready');
  t.match(ready, { status: 'False', reason: 'ReadinessGatesNotReady', observedGeneration: 3 });
  const late = podWith({ status: { startTime: ago(100) } }, { activeDeadlineSeconds: 60 });
  t.match(status(late, { a: of(ended(137)) }), { phase: 'Failed', reason: 'DeadlineExceeded' });
});

t.test('the same view gives the same status again, times and all', async (t) => {
  const pod = podWith();
  const containers = { a: of(attempt({})) };
  const first = status(pod, containers);
  const later = podWith({ status: statusBase(undefined, first) });
  t.strictSame(status(later, containers, { now: now + 60_000 }), first);
});

t.test('what others wrote stays: conditions, a terminal phase', async (t) => {
  const ours = status(podWith(), { a: of(attempt({})) });
  const api = {
    phase: 'Failed',
    reason: 'Evicted',
    nominatedNodeName: 'n',
    conditions: [{ type: 'DisruptionTarget', status: 'True' }],
  };
  const base = statusBase(api, ours);
  t.match(base, { phase: 'Failed', reason: 'Evicted', nominatedNodeName: 'n' });
  t.ok(base.conditions?.some(({ type }) => type === 'DisruptionTarget'));
});
