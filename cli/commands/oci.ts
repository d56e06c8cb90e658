/** `bay oci …`, when the launcher was not asked: the OCI runtime is a program of its own (docs/decisions/0011). */
import { spawnSync } from 'node:child_process';
import { programPath } from '../program-path.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { status } = spawnSync(process.execPath, [programPath('node-agent/oci/main.ts'), ...args], {
    stdio: 'inherit',
  });
  return status ?? 1;
}
