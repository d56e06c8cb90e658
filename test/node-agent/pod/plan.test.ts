import t from 'tap';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { plan } from '#node-agent/pod/plan.ts';
import { nextRestartDelayMs, restartAt, waitAfterFailure } from '#node-agent/pod/restart.ts';
import type { Attempt, ContainerView, PodView } from '#node-agent/pod/view.ts';

const now = Date.parse('2026-05-01T12:00:00Z');
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();

const podWith = (spec: Partial<NonNullable<Pod['spec']>>, metadata = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'u', ...metadata },
  spec: { containers: [{ name: 'a' }], ...spec },
});

const attempt = (fields: Partial<Attempt> & Pick<Attempt, 'state'>): Attempt => ({
  id: 'id0',
  container: 'a',
  attempt: 0,
  restartDelayMs: 0,
  imageId: '',
  ...fields,
});
const running = (fields: Partial<Attempt> = {}): ContainerView => ({
  attempts: [attempt({ ...fields, state: { phase: 'running', pid: 1, startedAt: ago(60) } })],
});
const exited = (exitCode: number, fields: Partial<Attempt> = {}, ran = 1): ContainerView => ({
  attempts: [
    attempt({
      ...fields,
      state: {
        phase: 'exited',
        exitCode,
        oomKilled: false,
        startedAt: ago(5 + ran),
        finishedAt: ago(5),
      },
    }),
  ],
});

const view = (
  pod: Pod | undefined,
  containers: Record<string, ContainerView> = {},
  fields: Partial<PodView> = {},
): PodView => ({
  uid: 'u',
  ...(pod === undefined ? {} : { pod }),
  now,
  acknowledgedAt: now,
  sandboxReady: true,
  ready: true,
  standing: true,
  released: false,
  containers: new Map(Object.entries(containers)),
  ...fields,
});

const start = (container: string, number = 0, restartDelayMs = 0) => ({
  type: 'start',
  container,
  attempt: number,
  restartDelayMs,
});

t.test('what is done next for a pod that is to run', async (t) => {
  const two = podWith({ containers: [{ name: 'a' }, { name: 'b' }] });
  const withInit = podWith({ initContainers: [{ name: 'i' }, { name: 'j' }] });
  const cases: [string, PodView, object[], number?][] = [
    ['nothing stands: set up', view(two, {}, { ready: false }), [{ type: 'set-up' }]],
    ['all apps start together', view(two), [start('a'), start('b')]],
    ['what runs is left alone', view(two, { a: running() }), [start('b')]],
    ['init containers go first, in order', view(withInit), [start('i')]],
    ['the next init waits for the one that runs', view(withInit, { i: running() }), []],
    ['then the second', view(withInit, { i: exited(0) }), [start('j')]],
    ['apps follow the last init', view(withInit, { i: exited(0), j: exited(0) }), [start('a')]],
    [
      'inits are not repeated under apps',
      view(withInit, { a: exited(1) }),
      [start('a', 1, 10_000)],
    ],
    ['a failed init is tried again', view(withInit, { i: exited(1) }), [start('i', 1, 10_000)]],
  ];
  for (const [name, given, actions, wakeAt] of cases) {
    const planned = plan(given);
    t.strictSame(planned.actions, actions, name);
    t.equal(planned.wakeAt, wakeAt, `${name}: wakes`);
  }
});

t.test('restart policies decide what an exit code means', async (t) => {
  const cases: [string, number, 'start' | 'tear-down' | undefined][] = [
    ['Always', 0, 'start'],
    ['Always', 1, 'start'],
    ['OnFailure', 0, 'tear-down'],
    ['OnFailure', 1, 'start'],
    ['Never', 0, 'tear-down'],
    ['Never', 1, 'tear-down'],
  ];
  for (const [restartPolicy, exitCode, wanted] of cases) {
    const { actions } = plan(view(podWith({ restartPolicy }), { a: exited(exitCode) }));
    t.equal(actions[0]?.type, wanted, `${restartPolicy} after ${exitCode}`);
  }
});

t.test('a restart waits for its back-off and the plan says until when', async (t) => {
  const waiting = exited(1, { restartDelayMs: 40_000, attempt: 3 });
  const planned = plan(view(podWith({}), { a: waiting }));
  t.strictSame(planned, { actions: [], wakeAt: now - 5_000 + 40_000 });
  const due = plan(view(podWith({}), { a: waiting }, { now: now + 35_000 }));
  t.strictSame(due.actions, [start('a', 4, 80_000)]);
});

t.test(
  'the delay doubles to five minutes and is forgotten after ten minutes of running',
  async (t) => {
    const delays: number[] = [];
    let previous: Attempt | undefined;
    for (let number = 0; number < 8; number += 1) {
      const restartDelayMs = nextRestartDelayMs(previous);
      delays.push(restartDelayMs / 1000);
      previous = exited(1, { restartDelayMs, attempt: number }).attempts[0];
    }
    t.strictSame(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
    const longRun = exited(1, { restartDelayMs: 300_000 }, 700).attempts[0] as Attempt;
    t.equal(restartAt(longRun), now - 5_000);
    t.equal(nextRestartDelayMs(longRun), 10_000);
  },
);

t.test('a try that fails before there is a container doubles its own delay', async (t) => {
  const failure = { reason: 'ErrImagePull', message: 'x' };
  const first = waitAfterFailure(undefined, failure, now);
  const second = waitAfterFailure(first, failure, now);
  t.strictSame([first.retryAt - now, second.retryAt - now], [10_000, 20_000]);
  const waiting: ContainerView = { attempts: [], waiting: first };
  t.strictSame(plan(view(podWith({}), { a: waiting })), { actions: [], wakeAt: now + 10_000 });
});

t.test('sidecars start before what follows them and stop after it', async (t) => {
  const sidecar: PodContainer = { name: 's', restartPolicy: 'Always' };
  const pod = podWith({ initContainers: [sidecar, { name: 'i' }], restartPolicy: 'Never' });
  t.strictSame(plan(view(pod)).actions, [start('s')]);
  t.strictSame(plan(view(pod, { s: running() })).actions, [start('i')]);
  const up = { s: running(), i: exited(0), a: running() };
  t.strictSame(plan(view(pod, up)).actions, []);
  t.strictSame(plan(view(pod, { ...up, s: exited(0) })).actions, [start('s', 1, 10_000)]);
  const over = { ...up, a: exited(0) };
  t.match(plan(view(pod, over)).actions, [{ type: 'stop', container: 's' }]);
  const deleted = podWith(pod.spec ?? {}, {
    deletionTimestamp: ago(1),
    deletionGracePeriodSeconds: 5,
  });
  t.match(plan(view(deleted, up)).actions, [{ type: 'stop', container: 'a', graceMs: 5_000 }]);
});

t.test('how a pod leaves', async (t) => {
  const doomed = podWith({}, { deletionTimestamp: ago(1), deletionGracePeriodSeconds: 30 });
  const stopping = (deadline: number, killed = false): ContainerView => ({
    ...running(),
    stopping: { deadline, killed },
  });
  const cases: [string, PodView, object[], number?][] = [
    [
      'it is asked to stop',
      view(doomed, { a: running() }),
      [{ type: 'stop', container: 'a', graceMs: 30_000 }],
      now + 30_000,
    ],
    ['then waited for', view(doomed, { a: stopping(now + 9_000) }), [], now + 9_000],
    ['then killed', view(doomed, { a: stopping(now) }), [{ type: 'kill', container: 'a' }]],
    ['but once', view(doomed, { a: stopping(now, true) }), []],
    [
      'a longer deadline is brought forward',
      view(doomed, { a: stopping(now + 99_000) }),
      [{ type: 'stop', container: 'a', graceMs: 30_000 }],
      now + 30_000,
    ],
    [
      'then taken down and told',
      view(doomed, { a: exited(0) }),
      [{ type: 'tear-down' }, { type: 'delete-pod' }],
    ],
    ['told once', view(doomed, { a: exited(0) }, { standing: false, released: true }), []],
    [
      'unknown to the API: stopped soon',
      view(undefined, { a: running() }),
      [{ type: 'stop', container: 'a', graceMs: 2_000 }],
      now + 2_000,
    ],
    ['and erased', view(undefined, { a: exited(0) }), [{ type: 'tear-down' }, { type: 'erase' }]],
    ['never started: just told', view(doomed, {}, { standing: false }), [{ type: 'delete-pod' }]],
  ];
  for (const [name, given, actions, wakeAt] of cases) {
    t.strictSame(plan(given), wakeAt === undefined ? { actions } : { actions, wakeAt }, name);
  }
});

t.test('a pod past activeDeadlineSeconds is stopped, and woken for it before', async (t) => {
  const pod = podWith({ activeDeadlineSeconds: 60 });
  const started = (seconds: number): Pod => ({ ...pod, status: { startTime: ago(seconds) } });
  t.equal(plan(view(started(50), { a: running() })).wakeAt, now + 10_000);
  t.match(plan(view(started(61), { a: running() })).actions, [{ type: 'stop', container: 'a' }]);
});

t.test('only the last two attempts of a container are kept', async (t) => {
  const attempts = [0, 1, 2].map((number) => ({
    ...(running().attempts[0] as Attempt),
    id: `id${number}`,
    attempt: number,
  }));
  const { actions } = plan(view(podWith({}), { a: { attempts } }));
  t.strictSame(actions, [{ type: 'forget', container: 'a', id: 'id0' }]);
});
