/**
 * The API server's process: `node api/main.ts CONFIG.json [--held]`. Takes the port at once, waits for etcd, serves. Logs
 * JSON lines to stderr; ends with 0 on SIGTERM.
 */
import { enableCompileCache } from 'node:module';

// Before anything else is loaded: what is imported later comes out of the cache.
enableCompileCache();

const [path] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write('no configuration: give the path of a JSON file as the only argument\n');
  process.exit(2);
}
const [{ runServer }, { untilReleased }] = await Promise.all([
  import('./run.ts'),
  import('./resources/held.ts'),
]);
untilReleased();
await runServer(path);
