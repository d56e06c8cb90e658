/** Whether this machine's compiler can look for faults. */
import { spawnSync } from 'node:child_process';

/** Whether gcc can build an empty program as the targets are built; a target that does not build is a failure. */
export function hasSanitizers(): boolean {
  const flags = ['-fsanitize=address,undefined', '-x', 'c', '-o', '/dev/null', '-'];
  return spawnSync('gcc', flags, { input: 'int main(void) { return 0; }' }).status === 0;
}
