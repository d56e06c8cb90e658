/** What a Container's health check has said lately: kept beside the container, as `docker inspect` tells it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import t from 'tap';
import type { Pod, PodContainer } from '#api/resources/types.ts';
import { CommandFailure, handle } from '#node-agent/pod/handlers.ts';
import { readHealthLog } from '#node-agent/pod/health-log.ts';
import { containerLabels } from '#node-agent/pod/labels.ts';
import { PodState } from '#node-agent/pod/pod-state.ts';
import { type Ask, Prober } from '#node-agent/pod/prober.ts';
import { eventually } from '../agent-rig.ts';
import { FakeRuntime } from '../fakes.ts';

const identity = { uid: 'u1', namespace: 'default', name: 'p' };
const labels = containerLabels(identity, {
  container: 'c',
  attempt: 0,
  restartDelayMs: 0,
  imageId: 'i',
  stopSignal: 'SIGTERM',
});

/** A Pod of the Container `keeper`, which runs, with one probe. */
function podOfContainer(probe: Partial<PodContainer>): { pod: Pod; state: PodState } {
  const owner = {
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    name: 'p',
    uid: 'keeper',
    controller: true,
  };
  const state = new PodState(identity, 0);
  const spec = { id: 'a', labels } as unknown as Parameters<PodState['apply']>[0]['spec'];
  state.apply({ spec, state: { phase: 'running', pid: 1, startedAt: new Date().toISOString() } });
  const container = { name: 'c', image: 'busybox', ...probe };
  const metadata = { ...identity, ownerReferences: [owner] };
  return {
    pod: { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } },
    state,
  };
}

const never: Ask = (_handler, _place, signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/** Asks until `rounds` were asked, then ends; a prober of its own, as of another life of the agent. */
async function askFor(dir: string, probe: Partial<PodContainer>, answers: Ask, rounds: number) {
  const { pod, state } = podOfContainer(probe);
  let asked = 0;
  const kept = { dir: () => dir };
  const events = { warn: () => undefined };
  const world = { runtime: new FakeRuntime(), events, kept, log: { warn: () => undefined } };
  const prober = new Prober(
    world as unknown as ConstructorParameters<typeof Prober>[0],
    undefined,
    (...of) => {
      asked += 1;
      return asked > rounds ? never(...of) : answers(...of);
    },
  );
  prober.sync(state, pod);
  // One more has begun, which comes to nothing: what the earlier ones said is written, and nothing else will be.
  await eventually('the rounds', () => asked > rounds);
  prober.close();
}

const often = { exec: { command: ['check'] }, periodSeconds: 0.01, failureThreshold: 2 };

t.test('the last five are kept, over lives of the agent and starts', async (t) => {
  const dir = t.testdir();
  let count = 0;
  const failing: Ask = async () => {
    count += 1;
    throw new CommandFailure('no', { exitCode: 7, output: `try ${count}` });
  };
  await askFor(dir, { readinessProbe: often }, failing, 7);
  const failed = await readHealthLog(dir);
  t.ok((failed?.failingStreak ?? 0) >= 7);
  t.equal(failed?.log.length, 5);
  const last = failed?.log.at(-1);
  t.match(last, { ExitCode: 7, Output: /^try \d+$/, Start: /^20.*Z$/, End: /^20.*Z$/ });
  t.ok((last?.Start ?? '') <= (last?.End ?? ''));

  const well: Ask = async () => 'x'.repeat(5000);
  await askFor(dir, { readinessProbe: often }, well, 1);
  const after = await readHealthLog(dir);
  t.equal(after?.failingStreak, 0);
  t.same(after?.log.slice(0, 4), failed?.log.slice(-4), 'those of before are still there');
  t.match(after?.log.at(-1), { ExitCode: 0, Output: `${'x'.repeat(4096)}...` });
});

t.test('what is no health check of a Container leaves nothing', async (t) => {
  const dir = t.testdir();
  const livenessProbe = { ...often, failureThreshold: 1000 };
  await askFor(dir, { livenessProbe }, async () => '', 2);
  t.notOk(existsSync(join(dir, 'health.json')));
});

t.test('a check that takes too long is told with what it has printed', async (t) => {
  const dir = t.testdir();
  const late: Ask = async (_handler, _place, signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw new CommandFailure('command timed out', { exitCode: -1, output: 'still at it' });
  };
  const readinessProbe = { ...often, timeoutSeconds: 0.02 };
  await askFor(dir, { readinessProbe }, late, 1);
  t.match((await readHealthLog(dir))?.log.at(-1), {
    ExitCode: -1,
    Output: 'Health check exceeded timeout (0.02s): still at it',
  });
});

t.test('a command tells its exit code and what it printed, well or not', async (t) => {
  const runtime = new FakeRuntime();
  const container = { name: 'c' } as PodContainer;
  const place = { runtime, container, id: 'a', ip: '' };
  const ending = (exitCode: number) => () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stdout.end('out\n');
    stderr.end();
    const ended = new Promise<number>((resolve) => stdout.on('end', () => resolve(exitCode)));
    return { stdout, stderr, resize: () => undefined, exitCode: ended, close: () => undefined };
  };
  const signal = new AbortController().signal;
  runtime.execSession = ending(0);
  t.equal(await handle({ exec: { command: ['x'] } }, place, signal), 'out\n');
  runtime.execSession = ending(3);
  await t.rejects(handle({ exec: { command: ['x'] } }, place, signal), {
    name: 'CommandFailure',
    message: 'out',
    exitCode: 3,
    output: 'out\n',
  });
});
