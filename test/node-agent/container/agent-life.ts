/** A life of an agent of its own, in a process that can be killed or held. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRuntime } from '#node-agent/container/create-runtime.ts';
import type { TestNode } from './node.ts';

/** Resolves when it says `ready`; ours is over. `program`: beside this file. */
export async function beginLife(
  node: TestNode,
  program: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  node.runtime.close();
  const path = new URL(`./${program}`, import.meta.url).pathname;
  const all = [path, node.directory, node.cgroupRoot, node.layer, ...args];
  const life = spawn(process.execPath, all, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    life.stdout?.on('data', (text) => {
      said += String(text);
      if (said.includes('ready')) resolve();
    });
    life.once('exit', () => reject(new Error(`${program} ended before it was ready`)));
  });
  return life;
}

export async function killLife(life: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => life.once('exit', resolve));
  life.kill('SIGKILL');
  await gone;
}

/** The next life, in this process; told of what the runtime logs. */
export async function takeOver(of: TestNode, log?: (message: string) => void) {
  of.runtime.close();
  const { directory, runDir, cgroupRoot } = of;
  const dataDir = `${directory}/data`;
  of.runtime = createRuntime({ dataDir, runDir, cgroupRoot, log: (message) => log?.(message) });
  return of.runtime.adopt();
}
