/**
 * The controllers' process: `node controller/main.ts CONFIG.json [--held]`. Logs JSON lines to stderr and ends with 0 on
 * SIGTERM.
 */
import { enableCompileCache } from 'node:module';

// Before anything else is loaded: what the cache holds need not be stripped of its types, nor compiled.
enableCompileCache();
const [configPath] = process.argv.slice(2);
if (configPath === undefined) {
  process.stderr.write('usage: node controller/main.ts CONFIG.json\n');
  process.exit(2);
}
const [{ runAll }, { untilReleased }] = await Promise.all([
  import('./run.ts'),
  import('#api/resources/held.ts'),
]);
untilReleased();
runAll(configPath);
