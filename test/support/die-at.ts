/**
 * `node --import die-at.ts`: the process kills itself (SIGKILL) just before its change number `DIE_AT` of the file system, so
 * that a test can let it die before each of them. Tells `changes N` on stderr when it ends by itself.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const dieAt = Number(process.env['DIE_AT'] ?? -1);
let changes = 0;

function step(): void {
  if (changes === dieAt) process.kill(process.pid, 'SIGKILL');
  changes += 1;
}

type Call = (...args: unknown[]) => unknown;
const promises = fs.promises as unknown as Record<string, Call>;
for (const name of ['rename', 'link', 'unlink', 'rm', 'mkdir', 'mkdtemp', 'writeFile', 'open']) {
  const call = promises[name] as Call;
  promises[name] = (...args) => {
    // Opening to read changes nothing.
    if (name !== 'open' || (args[1] !== undefined && args[1] !== 'r')) step();
    return call.apply(promises, args);
  };
}
syncBuiltinESMExports();
process.on('exit', () => fs.writeSync(2, `changes ${changes}\n`));
