/**
 * A process that drives a runtime until it is killed: `driver.ts <directory> <cgroupRoot> <layer> [<id>:<sandbox>]...`.
 * Starts the named containers, says `ready`, and then starts and removes others without end.
 */
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import { containerSpec, exited, sandboxSpec, type TestNode } from './node.ts';

const [directory = '', cgroupRoot = '', layer = '', ...ids] = process.argv.slice(2);
const runDir = `${directory}/run`;
const runtime = createRuntime({ dataDir: `${directory}/data`, runDir, cgroupRoot });
const node: TestNode = { directory, runDir, cgroupRoot, layer, runtime };
await runtime.adopt();

async function busy(): Promise<never> {
  for (;;) {
    const sandbox = sandboxSpec(node);
    await runtime.createSandbox(sandbox);
    const spec = containerSpec(node, sandbox.id, { labels: { kind: 'short' } });
    await runtime.start(spec);
    await exited(node, spec.id);
    await runtime.remove(spec.id);
    await runtime.removeSandbox(sandbox.id);
    await runtime.removeLayer(spec.layerDir);
  }
}

const script = 'trap "exit 5" TERM; echo up; while :; do sleep 0.01; done';
for (const name of ids) {
  const [id = '', sandboxId = ''] = name.split(':');
  await runtime.createSandbox(sandboxSpec(node, { id: sandboxId }));
  const args = ['sh', '-c', script];
  await runtime.start(containerSpec(node, sandboxId, { id, args, labels: { kind: 'long' } }));
}
process.stdout.write('ready\n');
await Promise.all([busy(), busy(), busy()]);
