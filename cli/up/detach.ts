/** `bay up --detach`, `bay join --detach`: the same command in the background, left when it is ready. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, readUpState } from '../cluster.ts';
import { programPath } from '../program-path.ts';

/**
 * Starts `bay up`, or `bay join`, in a session of its own, its output in `<run-dir>/up.log`, and waits until it is
 * ready. Resolves with 0; if it ends first, with 1 after showing what it said.
 */
export async function startDetached(
  cluster: Cluster,
  args: readonly string[],
  command: 'up' | 'join' = 'up',
): Promise<number> {
  mkdirSync(cluster.runDir, { recursive: true, mode: 0o700 });
  const logPath = join(cluster.runDir, 'up.log');
  const log = openSync(logPath, 'w', 0o600);
  const rest = args.filter((arg) => arg !== '--detach' && arg !== '-d');
  const main = programPath('cli/main.ts');
  const child = spawn(process.execPath, [...process.execArgv, main, command, ...rest], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ended = false;
  child.on('exit', () => {
    ended = true;
  });
  while (!ended && readUpState(cluster)?.ready !== true) await sleep(15);
  process.stdout.write(readFileSync(logPath, 'utf8'));
  if (ended) return 1;
  child.unref();
  process.stdout.write(`running in the background (pid ${child.pid}); stop it with 'bay down'\n`);
  return 0;
}
