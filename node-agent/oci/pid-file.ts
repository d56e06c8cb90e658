/** The file that tells a caller the pid: whole or not there. */

import { renameSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

export function writePidFile(path: string, pid: number): void {
  const temporary = `${dirname(path)}/.${basename(path)}.${process.pid}`;
  writeFileSync(temporary, String(pid), { mode: 0o644 });
  renameSync(temporary, path);
}
