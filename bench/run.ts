/** Runs benchmarks one after another: `npm run bench`, or `npm run bench cluster storage`. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const parts = new Set([
  'run.ts',
  'adopt-many.ts',
  'measure.ts',
  'stamp-image.ts',
  'command-engine.ts',
  'container-engine.ts',
  'image-peers.ts',
  'large-image.ts',
  'own-engine.ts',
  'peer-engines.ts',
  'api-load.ts',
  'api-pods.ts',
  'api-process.ts',
  'simulated-nodes.ts',
]);
const all = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.ts') && !parts.has(name))
  .map((name) => name.slice(0, -3))
  .sort();
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(', ')}; there are ${all.join(', ')}`);
  process.exit(2);
}
for (const name of asked.length === 0 ? all : asked) {
  console.log(`\n## ${name}`);
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
