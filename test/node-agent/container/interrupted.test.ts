/**
 * An agent dies, or a call of its fails, before each call that changes the machine while a container is made and taken
 * away; and so does a supervisor, or its child. Whatever the number: the container is whole or not there, its program ran at
 * most once, and after it is removed the machine is as it was.
 */
import { execFileSync, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { createPodNetwork } from '#node-agent/network/bridge-network.ts';
import { leftOver, machine } from '../../support/machine.ts';
import { scratch } from '../../support/scratch.ts';
import { takeOver } from './agent-life.ts';
import { endOf, startNode, stopNode, traces } from './node.ts';
import { networkOptions } from './pod-bridge.ts';

/** `EVERY=1 node test/node-agent/container/interrupted.test.ts` tries all of them; each run tries others. */
const every = Number(process.env['EVERY'] ?? 16);
const first = Number(process.env['SEED'] ?? Date.now()) % every;

const library = `${scratch('failpoints')()}/failpoints.so`;
const source = new URL('../../support/failpoints.c', import.meta.url).pathname;
execFileSync('gcc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);

const before = machine();
const node = await startNode('interrupted');
t.teardown(() => stopNode(node));
t.setTimeout(600_000);

type Way = 'plain' | 'spares';

/** Runs `interrupted.ts` to its end; what it said, and how it ended. */
async function life(mode: string, way: Way, numbers: readonly number[], points?: string) {
  node.runtime.close();
  const program = new URL('./interrupted.ts', import.meta.url).pathname;
  const fixed = [program, node.directory, node.cgroupRoot, node.layer, mode, way];
  const log = points === undefined ? 'ignore' : openSync(points, 'w');
  const child = spawn(process.execPath, [...fixed, ...numbers.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit', ...Array(6).fill('ignore'), log],
    env: { ...process.env, LD_PRELOAD: library },
  });
  const ended = new Promise<string | null>((resolve) =>
    child.once('exit', (_code, signal) => resolve(signal)),
  );
  return { said: await text(child.stdout), signal: await ended };
}

/** What the agent calls, in order. */
async function callsOf(way: Way): Promise<readonly string[]> {
  const points = `${node.directory}/points`;
  await life('count', way, [], points);
  return readFileSync(points, 'utf8').trim().split('\n');
}

const calls = { plain: await callsOf('plain'), spares: await callsOf('spares') };
const chosenOf = (way: Way) =>
  calls[way].map((_, number) => number).filter((number) => number % every === first);

t.test('the calls are of every group', async (t) => {
  t.comment(`${calls.plain.length} calls, every ${every} from ${first}`);
  const groups = {
    network: /sendto/,
    sandbox: /sandbox.json/,
    namespaces: /unshare/,
    'namespace mounts': /mount .*\/ipc$/,
    cgroups: /mkdir \/sys\/fs\/cgroup/,
    record: /rename .*spec.json/,
    layer: /mkdir .*\/upper$/,
    socket: /listen/,
    supervisor: /posix_spawn/,
    order: /send /,
    'cgroup removal': /rmdir \/sys\/fs\/cgroup/,
    'record removal': /unlink(at)? (.*\/)?spec.json$/,
    unmounting: /umount2 .*\/uts$/,
    'layer removal': /unlinkat (.*\/)?layer-[0-9a-f]+$/,
  };
  for (const [name, pattern] of Object.entries(groups)) {
    t.ok(
      calls.plain.some((call) => pattern.test(call)),
      name,
    );
  }
  t.notOk(
    calls.spares.some((call) => call.endsWith('/shm') && call.includes(' mount ')),
    'memory that was made in idle time is not mounted again',
  );
});

/** The next life of the agent finds nothing half-made, and takes everything away. */
async function nextLife(t: Test, call: string): Promise<void> {
  const { sandboxes, containers } = await takeOver(node);
  const network = createPodNetwork(networkOptions(node));
  await network.start();
  for (const { spec, state } of containers) {
    const { exitCode, reason } = state.phase === 'exited' ? state : await endOf(node, spec);
    t.ok(exitCode === 5 || reason === 'StartError', `${call}: ${exitCode} ${reason}`);
    await node.runtime.remove(spec.id);
  }
  for (const { id } of sandboxes) await node.runtime.removeSandbox(id);
  for (const pod of network.attached()) await network.detach(pod);
  await network.destroy();
  t.strictSame(traces(node), [], call);
  // A layer belongs to the pod's directory.
  execFileSync('sh', ['-c', `rm -rf ${node.directory}/layer-*`]);
}

for (const way of ['plain', 'spares'] as const) {
  t.test(`${way}: an agent that is killed before any leaves it whole or not there`, async (t) => {
    t.setTimeout(600_000);
    for (const number of chosenOf(way)) {
      const call = calls[way][number];
      const { signal } = await life('kill', way, [number]);
      // How often it waits for a cgroup differs: the last numbers may not be reached.
      if (number < calls[way].length - 10) t.equal(signal, 'SIGKILL', `died before ${call}`);
      await nextLife(t, `${call}`);
    }
    t.strictSame(await leftOver(before), {});
  });

  t.test(`${way}: a call that fails is told, or does not matter, and leaves nothing`, async (t) => {
    t.setTimeout(600_000);
    const chosen = chosenOf(way);
    const { said } = await life('fail', way, chosen);
    const told = said.split('\n').filter((line) => line.startsWith('{'));
    t.equal(told.length, chosen.length);
    for (const line of told) {
      const { number, failed, left } = JSON.parse(line);
      t.strictSame(left, [], `${calls[way][number]}: ${failed}`);
    }
    t.ok(
      told.some((line) => line.includes('StartError')),
      'starts fail',
    );
    await nextLife(t, 'after all');
    t.strictSame(await leftOver(before), {});
  });
}
