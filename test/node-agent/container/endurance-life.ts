/**
 * A life of an agent as `endurance.ts` wants it: `endurance-life.ts <directory> <cgroupRoot> <layer> <id>...`. Keeps the long
 * containers of those ids, reports the end of every short one before it removes it, and starts more without end.
 */
import { appendFileSync } from 'node:fs';
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import type { ContainerSpec } from '#node-agent/container/runtime.ts';
import { ledgerOf, witnessed } from './endurance.ts';
import { exited, sandboxSpec, type TestNode } from './node.ts';

const [directory = '', cgroupRoot = '', layer = '', ...ids] = process.argv.slice(2);
const runDir = `${directory}/run`;
const runtime = createRuntime({ dataDir: `${directory}/data`, runDir, cgroupRoot });
const node: TestNode = { directory, runDir, cgroupRoot, layer, runtime };
const { containers, sandboxes } = await runtime.adopt();

async function clear({ id, sandboxId, layerDir }: ContainerSpec): Promise<void> {
  await exited(node, id);
  appendFileSync(`${ledgerOf(node)}/reported`, `${id}\n`);
  await runtime.remove(id);
  await runtime.removeSandbox(sandboxId);
  await runtime.removeLayer(layerDir);
}

async function busy(): Promise<never> {
  for (;;) {
    const sandbox = sandboxSpec(node, { labels: { kind: 'short' } });
    await runtime.createSandbox(sandbox);
    const spec = witnessed(node, sandbox.id, { kind: 'short' });
    await runtime.start(spec);
    await clear(spec);
  }
}

const short = containers.filter(({ spec }) => spec.labels['kind'] === 'short');
const inUse = new Set(containers.map(({ spec }) => spec.sandboxId));
const unused = sandboxes.filter(({ id, labels }) => labels['kind'] === 'short' && !inUse.has(id));
await Promise.all([
  ...short.map(({ spec }) => clear(spec)),
  ...unused.map(({ id }) => runtime.removeSandbox(id)),
]);
const shared =
  sandboxes.find(({ labels }) => labels['kind'] === 'long') ??
  sandboxSpec(node, { labels: { kind: 'long' } });
if (!sandboxes.includes(shared)) await runtime.createSandbox(shared);
const missing = ids.filter((id) => runtime.get(id) === undefined);
await Promise.all(
  missing.map((id) => runtime.start(witnessed(node, shared.id, { id, kind: 'long' }))),
);
process.stdout.write('ready\n');
await Promise.all([busy(), busy(), busy()]);
