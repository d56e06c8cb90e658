/** `bay oci …`, when the launcher was not asked: the OCI runtime is a program of its own (docs/decisions/0011). */
import { spawnSync } from 'node:child_process';

const program = new URL('../../node-agent/oci/main.ts', import.meta.url).pathname;

export async function run(args: readonly string[]): Promise<number> {
  const { status } = spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' });
  return status ?? 1;
}
