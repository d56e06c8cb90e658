/**
 * Makes a pod's network, sandbox and container, lets the container end, and takes all of it away, counted by
 * `support/failpoints.c`: `interrupted.ts <directory> <cgroupRoot> <layer> kill|fail|count plain|spares <N>...`.
 * `spares`: with what the agent makes in idle time.
 * `fail`: with each number once; whatever failed is then taken away undisturbed, and what is left is said on stdout.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import { createPodNetwork } from '#node-agent/network/bridge-network.ts';
import { containerSpec, endOf, sandboxSpec, type TestNode, traces, until } from './node.ts';
import { bridgeOf, networkOptions } from './pod-bridge.ts';

const [directory = '', cgroupRoot = '', layer = '', mode = 'count', way = '', ...numbers] =
  process.argv.slice(2);
const runDir = `${directory}/run`;
const spares = way === 'spares';
const runtime = createRuntime({ dataDir: `${directory}/data`, runDir, cgroupRoot, spares });
const node: TestNode = { directory, runDir, cgroupRoot, layer, runtime };
const network = createPodNetwork(networkOptions(node));
await network.start();
await runtime.adopt();

/** Until the idle time was long enough to make what is made in it. */
const idle = () => (spares ? until('a spare sandbox', hasSpare) : undefined);
const links = () => readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`));
const hasSpare = () => links().some((link) => link.startsWith('ipc:'));

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // of the listing itself
  }
}

const script = 'trap "exit 5" TERM; echo up; while :; do sleep 0.01; done';

function plan() {
  const sandbox = sandboxSpec(node, { netnsPath: '', labels: { pod: bridgeOf(node) } });
  const args = ['sh', '-c', script];
  return {
    sandbox,
    container: containerSpec(node, sandbox.id, { args }),
    pod: sandbox.id.slice(0, 36),
    // The first of the two may get a network that was made beforehand.
    another: sandbox.id.slice(36),
  };
}
type Plan = ReturnType<typeof plan>;

async function create({ sandbox, container, pod, another }: Plan): Promise<void> {
  const { netnsPath } = await network.attach(pod);
  await network.attach(another);
  await runtime.createSandbox({ ...sandbox, netnsPath });
  await runtime.start(container);
}

async function takeAway({ sandbox, container, pod, another }: Plan): Promise<void> {
  await runtime.remove(container.id);
  await runtime.removeSandbox(sandbox.id);
  await network.detach(pod);
  await network.detach(another);
  await runtime.removeLayer(container.layerDir);
}

async function all(wanted: Plan): Promise<void> {
  await create(wanted);
  await endOf(node, wanted.container);
  await takeAway(wanted);
}

async function withOneFailure(number: string): Promise<void> {
  const wanted = plan();
  await idle();
  mkdirSync(`${directory}/arm-fail-${number}`);
  const failed = await all(wanted).then(
    () => undefined,
    (error: unknown) => error,
  );
  mkdirSync(`${directory}/disarm`);
  await takeAway(wanted);
  const left = traces(node);
  process.stdout.write(`${JSON.stringify({ number, failed: failed && String(failed), left })}\n`);
}

process.stdout.write('ready\n');
if (mode === 'fail') for (const number of numbers) await withOneFailure(number);
else {
  if (mode === 'count') closeSync(openSync(`${directory}/points`, 'w'));
  await all(plan()); // what is made once only: threads, sealed copies, descriptors
  await idle();
  mkdirSync(`${directory}/arm-kill-${numbers[0] ?? -1}`);
  await all(plan());
  mkdirSync(`${directory}/disarm`);
}
await network.destroy();
runtime.close();
process.exit(0);
