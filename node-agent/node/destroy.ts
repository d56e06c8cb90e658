/** Takes away what a node left behind when nobody is there to ask its agent: what `bay reset` runs. */
import { readFile } from 'node:fs/promises';
import { filter, firstValueFrom, timeout } from 'rxjs';
import { runSteps } from '#native/spawn.ts';
import type { ContainerRecord, ContainerRuntime } from '#node-agent/container/runtime.ts';
import type { AgentParts } from './agent.ts';

/** A killed container is told as exited within this time. */
const exitMs = 5_000;

/**
 * Kills and removes all containers, sandboxes, pod networks, mounts and cgroups of this node; its files stay. Nothing
 * there is no error. Rejects with the first thing that could not be removed.
 */
export async function destroyNode(parts: AgentParts): Promise<void> {
  const { runtime, network, config } = parts;
  const { containers, sandboxes } = await runtime.adopt();
  await network.start();
  await Promise.all(containers.map((container) => removeContainer(runtime, container)));
  await Promise.all(sandboxes.map(({ id }) => runtime.removeSandbox(id)));
  await Promise.all(network.attached().map((uid) => network.detach(uid)));
  await unmountBelow([config.dataDir, config.runDir]);
  await parts.takeDown();
  runtime.close();
  parts.policies?.close();
  parts.client.close();
}

async function removeContainer(runtime: ContainerRuntime, { spec }: ContainerRecord) {
  const { id } = spec;
  if (runtime.get(id)?.state.phase === 'running') {
    const ended = firstValueFrom(
      runtime.changes.pipe(
        filter((record) => record.spec.id === id && record.state.phase === 'exited'),
        timeout(exitMs),
      ),
    );
    await Promise.all([runtime.kill(id), ended]);
  }
  await runtime.remove(id);
}

/** The deepest first; mount points are the fifth field of mountinfo, blanks written as `\040` (proc(5)). */
async function unmountBelow(folders: readonly string[]): Promise<void> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  const points = text
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, unescapeOctal))
    .filter((point) => folders.some((folder) => point.startsWith(`${folder}/`)))
    .sort((a, b) => b.length - a.length);
  await runSteps(points.map((point) => ['unmount', point, ''] as const));
}

const unescapeOctal = (_all: string, digits: string): string =>
  String.fromCharCode(Number.parseInt(digits, 8));
