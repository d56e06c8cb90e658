/** Probes: thresholds, periods and what a verdict does, under virtual time; and through a whole agent. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { type Handler, handle } from '#node-agent/pod/handlers.ts';
import { counted, isServing, type Tally } from '#node-agent/pod/health.ts';
import { containerLabels } from '#node-agent/pod/labels.ts';
import { volumesDir } from '#node-agent/pod/paths.ts';
import { PodState } from '#node-agent/pod/pod-state.ts';
import { Prober } from '#node-agent/pod/prober.ts';
import { flush, VirtualClock } from '../../support/virtual-clock.ts';
import { agentRig, eventually } from '../agent-rig.ts';
import { FakeRuntime } from '../fakes.ts';

const podType = { apiVersion: 'v1', kind: 'Pod' };
const metadata = { namespace: 'default', name: 'p' };
const identity = { uid: 'u1', namespace: 'default', name: 'p' };

function running(container: Partial<PodContainer>, clock: VirtualClock) {
  const state = new PodState(identity, clock.now());
  const whole = { name: 'c', image: 'busybox', ...container } as PodContainer;
  const pod: Pod = { ...podType, metadata: { ...identity }, spec: { containers: [whole] } };
  const labels = containerLabels(identity, {
    container: 'c',
    attempt: 0,
    restartDelayMs: 0,
    imageId: 'i',
    stopSignal: 'SIGTERM',
  });
  const startedAt = new Date(clock.now()).toISOString();
  const spec = { id: 'a', labels } as unknown as Parameters<PodState['apply']>[0]['spec'];
  state.apply({ spec, state: { phase: 'running', pid: 1, startedAt } });
  const view = () => state.view(pod, clock.now()).containers.get('c') ?? { attempts: [] };
  return { state, pod, whole, view };
}

/** A prober whose answers the test decides. */
function prober(clock: VirtualClock) {
  const asked: Handler[] = [];
  const warned: string[] = [];
  const answers = { ok: true };
  const events = {
    warn: (_pod: Pod, reason: string, text: string) => warned.push(`${reason} ${text}`),
  };
  const world = { runtime: new FakeRuntime(), events } as unknown as ConstructorParameters<
    typeof Prober
  >[0];
  const probes = new Prober(world, clock, async (handler) => {
    asked.push(handler);
    if (!answers.ok) throw new Error('no');
    return '';
  });
  return { probes, asked, warned, answers };
}

t.test('a verdict changes when its threshold is reached, not before', async (t) => {
  const probe = { successThreshold: 2, failureThreshold: 3 };
  const verdicts = (answers: readonly boolean[]) => {
    let tally: Tally | undefined;
    return answers.map((ok) => {
      tally = counted(probe, tally, ok);
      return tally.verdict;
    });
  };
  t.same(verdicts([true, true]), [undefined, true]);
  t.same(verdicts([true, false, true, true]), [undefined, undefined, undefined, true]);
  t.same(verdicts([true, true, false, false, true]), [undefined, true, true, true, true]);
  t.same(verdicts([false, false, false]), [undefined, undefined, false]);
});

t.test('readiness waits for its delay, then is asked once a period', async (t) => {
  const clock = new VirtualClock();
  const { probes, asked, answers } = prober(clock);
  const readinessProbe = {
    exec: { command: ['true'] },
    initialDelaySeconds: 3,
    periodSeconds: 5,
    failureThreshold: 2,
  };
  const { state, pod, whole, view } = running({ readinessProbe }, clock);
  probes.sync(state, pod);
  t.equal(isServing(whole, view()), false, 'not ready before the first answer');
  await clock.advance(2_999);
  t.equal(asked.length, 0);
  await clock.advance(1);
  t.equal(isServing(whole, view()), true);
  t.equal(clock.pending, 1, 'one timer, nothing else');
  answers.ok = false;
  await clock.advance(5_000);
  t.equal(isServing(whole, view()), true, 'one failure of two');
  await clock.advance(5_000);
  t.equal(isServing(whole, view()), false);
  t.equal(asked.length, 3);
  probes.sync(state, undefined);
  t.equal(clock.pending, 0, 'a pod that went leaves no timer');
});

t.test('liveness begins when the startup probe has succeeded', async (t) => {
  const clock = new VirtualClock();
  const { probes, asked, warned, answers } = prober(clock);
  const startupProbe = { exec: { command: ['startup'] }, periodSeconds: 1, failureThreshold: 9 };
  const livenessProbe = { exec: { command: ['live'] }, periodSeconds: 1, failureThreshold: 2 };
  const { state, pod, view } = running({ startupProbe, livenessProbe }, clock);
  state.wake = () => probes.sync(state, pod);
  answers.ok = false;
  probes.sync(state, pod);
  await clock.advance(1_500);
  t.ok(asked.every(({ exec }) => exec?.command?.[0] === 'startup'));
  answers.ok = true;
  await clock.advance(1_000);
  t.equal(view().health?.started, true);
  answers.ok = false;
  await clock.advance(3_000);
  t.match(view().health?.ailment?.message, 'Container c failed liveness probe, will be restarted');
  t.match(warned.at(-1), 'Unhealthy Liveness probe failed: no');
  await flush();
  t.equal(clock.pending, 0, 'beyond help: it is not asked any more');
});

t.test('httpGet takes 200 to 399, tcpSocket a connection', async (t) => {
  const agents: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    agents.push(request.headers['user-agent']);
    response.writeHead(Number(request.url?.slice(1))).end('x');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const container = { name: 'c', ports: [{ name: 'web', containerPort: port }] } as PodContainer;
  const place = { runtime: new FakeRuntime(), container, id: 'a', ip: '127.0.0.1' };
  const signal = AbortSignal.timeout(5_000);
  await handle({ httpGet: { port: 'web', path: '/302' } }, place, signal);
  await handle({ tcpSocket: { port } }, place, signal);
  await t.rejects(handle({ httpGet: { port, path: '500' } }, place, signal), /statuscode: 500/);
  await t.rejects(handle({ httpGet: { port: 'none' } }, place, signal), /no port named "none"/);
  await t.rejects(handle({ tcpSocket: { port: 1 } }, place, signal), /ECONNREFUSED/);
  t.match(agents[0], /^kube-probe\//);
});

t.test(
  'httpGet takes lines of the head that end without CR, as CGI programs write them',
  async (t) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\nContent-Length: 1\n\nx'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    const container = { name: 'c' } as PodContainer;
    const place = { runtime: new FakeRuntime(), container, id: 'a', ip: '127.0.0.1' };
    await handle({ httpGet: { port } }, place, AbortSignal.timeout(5_000));
  },
);

t.test('a container that fails its liveness probe or postStart hook is started anew', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const echo = rig.runtime.execSession;
  const broken = new Set(['probe', 'hook']);
  rig.runtime.execSession = (spec) => {
    const session = { ...(echo?.(spec) ?? emptySession()) };
    return broken.delete(spec.args[0] ?? '')
      ? { ...session, exitCode: Promise.resolve(1) }
      : session;
  };
  const liveness = { exec: { command: ['probe'] }, periodSeconds: 1, failureThreshold: 1 };
  const containers = [
    { name: 'probed', image: 'busybox', livenessProbe: liveness },
    { name: 'hooked', image: 'busybox', lifecycle: { postStart: { exec: { command: ['hook'] } } } },
  ];
  await rig.create({ ...podType, metadata, spec: { nodeName: 'n1', containers } });
  await rig.until('p', ({ status }) => {
    const all = status?.containerStatuses ?? [];
    return all.length === 2 && all.every((one) => one.ready && one.restartCount === 1);
  });
  t.equal(broken.size, 0);
});

t.test('downward API volumes follow labels', async (t) => {
  const rig = await agentRig();
  t.teardown(() => rig.close());
  const items = [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }];
  const spec = {
    nodeName: 'n1',
    volumes: [{ name: 'v', downwardAPI: { items } }],
    containers: [{ name: 'c', image: 'busybox' }],
  };
  await rig.create({ ...podType, metadata: { ...metadata, labels: { a: 'b' } }, spec });
  const made = await rig.until('p', ({ status }) => status?.phase === 'Running');
  const file = join(volumesDir({ dataDir: rig.dataDir }, made.metadata.uid ?? ''), 'v', 'labels');
  t.equal(readFileSync(file, 'utf8'), 'a="b"');
  const changed = { ...made, metadata: { ...made.metadata, labels: { a: 'c' } } };
  await rig.api.collection<Pod>(pods).update(changed);
  await eventually('the file to change', () => readFileSync(file, 'utf8') === 'a="c"');
});

function emptySession() {
  const { PassThrough } = process.getBuiltinModule('node:stream');
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  stdout.end();
  stderr.end();
  return {
    stdout,
    stderr,
    resize: () => undefined,
    exitCode: Promise.resolve(0),
    close: () => undefined,
  };
}
