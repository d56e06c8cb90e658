// Our programs, and where they are when they are packed (`pack.mjs`).
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = dirname(dirname(fileURLToPath(import.meta.url)));

/** They run when they are loaded; without arguments they say how they are used and end. */
export const entryPoints = [
  'api/main.ts',
  'controller/main.ts',
  'node-agent/main.ts',
  'node-agent/oci/main.ts',
  'cli/up/resume.ts',
  'cli/main.ts',
];

/** Below the project. */
export const packedFolder = 'node_modules/.cache/packed';

/** Below `packedFolder`: what starts the program. */
export const starterName = (program) => program.replace(/\.ts$/, '.mjs');

/** What the name of the file that a program's starter loads begins with. */
export const codeName = (program) => program.replace(/\.ts$/, '').replaceAll('/', '-');

/** Below `packedFolder`: of each program, path, size and time of every source that was packed. */
export const sourcesName = 'sources.json';

/** Whether all is packed, and no source has changed since. */
export function isPacked() {
  const list = join(home, packedFolder, sourcesName);
  if (!existsSync(list)) return false;
  const packed = JSON.parse(readFileSync(list, 'utf8'));
  return entryPoints.every((program) =>
    packed[program]?.every(([path, size, time]) => {
      const facts = statSync(join(home, path), { throwIfNoEntry: false });
      return facts !== undefined && facts.size === size && facts.mtimeMs === time;
    }),
  );
}
