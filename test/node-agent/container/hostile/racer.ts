/** Containers that change what another container's start looks at, while it looks. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { containerSpec, exited, logText, sandboxSpec, type TestNode, until } from '../node.ts';

/** Builds the program; its path on the host. */
export function buildRacer(node: Pick<TestNode, 'directory'>): string {
  const program = `${node.directory}/racer`;
  const source = `${import.meta.dirname}/racer.c`;
  execFileSync('cc', ['-static', '-O2', '-Wall', '-Werror', '-o', program, source]);
  return program;
}

interface Race {
  readonly program: string;
  /** `swap A B` or `kinds PATH TARGET` with paths below `/shared`, or `exe`. */
  readonly args: readonly string[];
  /** A directory of the host, shown at `/shared`. */
  readonly shared: string;
  readonly sandboxId?: string;
  readonly privileged?: boolean;
}

/** Runs `during` while a container races; gives what the racer said in the end. */
export async function whileRacing(
  node: TestNode,
  race: Race,
  during: (said: () => string, racer: string) => Promise<void>,
): Promise<string> {
  mkdirSync(race.shared, { recursive: true });
  const stop = `${race.shared}/stop`;
  const sandbox = sandboxSpec(node);
  const sandboxId = race.sandboxId ?? sandbox.id;
  if (race.sandboxId === undefined) await node.runtime.createSandbox(sandbox);
  const [mode = '', ...paths] = race.args;
  const spec = containerSpec(node, sandboxId, {
    args: ['/racer', mode, '/shared/stop', ...paths],
    privileged: race.privileged === true,
    mounts: [
      { type: 'bind', source: race.shared, target: '/shared', readonly: false },
      { type: 'bind', source: race.program, target: '/racer', readonly: true },
    ],
  });
  await node.runtime.start(spec);
  try {
    await until('the racer to run', () => logText(spec.logPath).includes('ready'));
    await during(() => logText(spec.logPath), spec.id);
  } finally {
    writeFileSync(stop, '');
    await exited(node, spec.id);
    await node.runtime.remove(spec.id);
    if (race.sandboxId === undefined) await node.runtime.removeSandbox(sandbox.id);
    await node.runtime.removeLayer(spec.layerDir);
  }
  return logText(spec.logPath);
}

/** How often it exchanged its two paths. */
export const swapsOf = (said: string): number => Number(/^swaps (\d+)$/m.exec(said)?.[1] ?? 0);
