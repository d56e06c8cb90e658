import t from 'tap';
import type { JsonObject } from '#api/resources/json.ts';
import { row } from './cases.ts';

const state = (more: JsonObject): JsonObject => ({
  name: 'c',
  ready: false,
  restartCount: 0,
  ...more,
});
const containers = [{ name: 'c' }];
const running = state({ ready: true, state: { running: {} } });
const waiting = (reason: string): JsonObject => state({ state: { waiting: { reason } } });
const ended = (terminated: JsonObject): JsonObject => state({ state: { terminated } });
const init = (status: JsonObject, more: JsonObject = {}): JsonObject => ({
  spec: { containers, initContainers: [{ name: 'i', ...more }, { name: 'j' }] },
  status: { phase: 'Pending', initContainerStatuses: [{ name: 'i', restartCount: 0, ...status }] },
});
const phase = (name: string, statuses: JsonObject[] = [], more: JsonObject = {}): JsonObject => ({
  spec: { containers },
  status: { phase: name, containerStatuses: statuses, ...more },
});

t.test("a pod's STATUS is the most telling word of its containers", async (t) => {
  const cases: [JsonObject, JsonObject, string, string][] = [
    [phase('Pending'), {}, 'Pending', '0/1'],
    [phase('Pending', [waiting('ContainerCreating')]), {}, 'ContainerCreating', '0/1'],
    [phase('Running', [running]), {}, 'Running', '1/1'],
    [phase('Running', [waiting('CrashLoopBackOff')]), {}, 'CrashLoopBackOff', '0/1'],
    [phase('Pending', [waiting('ErrImagePull')]), {}, 'ErrImagePull', '0/1'],
    [phase('Succeeded', [ended({ exitCode: 0, reason: 'Completed' })]), {}, 'Completed', '0/1'],
    [phase('Failed', [ended({ exitCode: 1, reason: 'Error' })]), {}, 'Error', '0/1'],
    [phase('Failed', [ended({ exitCode: 137, reason: 'OOMKilled' })]), {}, 'OOMKilled', '0/1'],
    [phase('Failed', [ended({ exitCode: 3 })]), {}, 'ExitCode:3', '0/1'],
    [phase('Failed', [ended({ exitCode: 137, signal: 9 })]), {}, 'Signal:9', '0/1'],
    [phase('Failed', [], { reason: 'Evicted' }), {}, 'Evicted', '0/1'],
    [phase('Running', [running]), { deletionTimestamp: 't' }, 'Terminating', '1/1'],
    [
      phase('Succeeded', [ended({ exitCode: 0, reason: 'Completed' })]),
      { deletionTimestamp: 't' },
      'Completed',
      '0/1',
    ],
    [
      phase('Running', [running], { reason: 'NodeLost' }),
      { deletionTimestamp: 't' },
      'Unknown',
      '1/1',
    ],
    [
      phase('Pending', [], { conditions: [{ type: 'PodScheduled', reason: 'SchedulingGated' }] }),
      {},
      'SchedulingGated',
      '0/1',
    ],
    [
      phase('Running', [ended({ exitCode: 0, reason: 'Completed' }), running]),
      {},
      'NotReady',
      '1/1',
    ],
    [
      phase('Running', [ended({ exitCode: 0, reason: 'Completed' }), running], {
        conditions: [{ type: 'Ready', status: 'True' }],
      }),
      {},
      'Running',
      '1/1',
    ],
    [init({ state: { running: {} } }), {}, 'Init:0/2', '0/1'],
    [init({ state: { waiting: { reason: 'PodInitializing' } } }), {}, 'Init:0/2', '0/1'],
    [
      init({ state: { waiting: { reason: 'CrashLoopBackOff' } } }),
      {},
      'Init:CrashLoopBackOff',
      '0/1',
    ],
    [init({ state: { terminated: { exitCode: 1, reason: 'Error' } } }), {}, 'Init:Error', '0/1'],
    [init({ state: { terminated: { exitCode: 2 } } }), {}, 'Init:ExitCode:2', '0/1'],
    [init({ state: { terminated: { exitCode: 0 } } }), {}, 'Pending', '0/1'],
    [
      init({ started: true, ready: true, state: { running: {} } }, { restartPolicy: 'Always' }),
      {},
      'Pending',
      '1/2',
    ],
    [
      init({ started: false, state: { running: {} } }, { restartPolicy: 'Always' }),
      {},
      'Init:0/2',
      '0/2',
    ],
  ];
  for (const [rest, meta, status, ready] of cases) {
    const cells = row('v1', 'Pod', rest, meta);
    t.equal(cells['Status'], status);
    t.equal(cells['Ready'], ready, `${status} ready`);
  }
});

t.test("a pod's restarts tell when the last one was", async (t) => {
  const last = (finishedAt: string): JsonObject => ({ lastState: { terminated: { finishedAt } } });
  const twice = { ...running, restartCount: 2, ...last('2026-01-01T00:55:00Z') };
  const once = { ...running, restartCount: 1, ...last('2026-01-01T00:58:30Z') };
  t.equal(row('v1', 'Pod', phase('Running', [twice, once]))['Restarts'], '3 (90s ago)');
  t.equal(row('v1', 'Pod', phase('Running', [running]))['Restarts'], '0');
});

t.test('the wide row of a pod has its place', async (t) => {
  const pod = {
    spec: {
      containers,
      nodeName: 'n',
      readinessGates: [{ conditionType: 'a/b' }, { conditionType: 'c/d' }],
    },
    status: { podIPs: [{ ip: '10.0.0.9' }], conditions: [{ type: 'a/b', status: 'True' }] },
  };
  t.match(row('v1', 'Pod', pod), {
    IP: '10.0.0.9',
    Node: 'n',
    'Nominated Node': '<none>',
    'Readiness Gates': '1/2',
  });
});
