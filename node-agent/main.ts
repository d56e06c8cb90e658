/**
 * The node agent's process: `node node-agent/main.ts CONFIG.json`. Adopts the containers that run, registers the node,
 * makes its pods real and serves its API. Logs JSON lines to stderr; SIGTERM ends it with 0 and leaves containers be.
 */
import { enableCompileCache } from 'node:module';

enableCompileCache();

/** Closing may take this long; then the process ends anyway. */
const stopMs = 3_000;

async function start(configPath: string): Promise<void> {
  const [{ createLog }, { readConfig }, { startAgent }, { openParts }] = await Promise.all([
    import('#controller/runtime/log.ts'),
    import('./node/config.ts'),
    import('./node/agent.ts'),
    import('./node/parts.ts'),
  ]);
  const log = createLog('agent');
  const config = await readConfig(configPath);
  const agent = await startAgent(await openParts(config, log));
  const stop = () => {
    setTimeout(() => process.exit(0), stopMs).unref();
    void agent.close().then(() => {
      log.info('stopped');
      process.exit(0);
    });
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

const [path] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write('no configuration: give the path of a JSON file as the only argument\n');
  process.exit(2);
}
await start(path);
