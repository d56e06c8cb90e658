/**
 * `node --import die-at.ts`: the process kills itself (SIGKILL) just before its change number `DIE_AT` of the file system, so
 * that a test can let it die before each of them. Tells `changes N` on stderr when it ends by itself.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { loadAddon } from '#native/load.ts';

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
const sync = fs as unknown as Record<string, Call>;
for (const name of ['renameSync', 'unlinkSync', 'rmSync', 'mkdirSync', 'writeFileSync']) {
  const call = sync[name] as Call;
  sync[name] = (...args) => {
    step();
    return call.apply(fs, args);
  };
}
const handle = await fs.promises.open('/dev/null');
const handles = Object.getPrototypeOf(handle) as Record<string, Call>;
await handle.close();
for (const name of ['write', 'writeFile', 'truncate', 'sync', 'datasync']) {
  const call = handles[name] as Call;
  handles[name] = function (this: unknown, ...args) {
    step();
    return call.apply(this, args);
  };
}
// What the addon does is a change of its own, and may be in the middle of it.
const addon = loadAddon<Record<string, Call>>();
for (const name of ['unpackFile', 'writeLayer', 'runSteps', 'syncFs']) {
  const call = addon[name] as Call;
  addon[name] = (...args) => {
    step();
    const answer = call(...args);
    step();
    return answer;
  };
}
syncBuiltinESMExports();
process.on('exit', () => fs.writeSync(2, `changes ${changes}\n`));
