/**
 * The node agent's process: `node node-agent/main.ts CONFIG.json [--destroy | --held]`. Adopts the containers that run, registers the node,
 * makes its pods real and serves its API. Logs JSON lines to stderr; SIGTERM ends it with 0 and leaves containers be.
 */
import { enableCompileCache } from 'node:module';

enableCompileCache();

/** Closing may take this long; then the process ends anyway. */
const stopMs = 3_000;

async function start(configPath: string): Promise<void> {
  const [{ createLog }, { giveBackAtRest }, { untilReleased }, ...agentModules] = await Promise.all(
    [
      import('#controller/runtime/log.ts'),
      import('#api/resources/rest.ts'),
      import('#api/resources/held.ts'),
      import('./node/config.ts'),
      import('./node/agent.ts'),
      import('./node/parts.ts'),
    ],
  );
  const [{ readConfig }, { startAgent }, { openParts }] = agentModules;
  untilReleased();
  giveBackAtRest({
    release: async () => (await import('#native/memory.ts')).releaseMemory(),
  });
  const log = createLog('agent');
  const config = await readConfig(configPath);
  const agent = await openParts(config, log)
    .then(startAgent)
    .catch((error: Error) => {
      log.error('cannot start', { error: error.message });
      process.exit(1);
    });
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

/** `--destroy`: takes away what the node left behind and ends. */
async function destroy(configPath: string): Promise<void> {
  const [{ createLog }, { readConfig }, { destroyNode }, { openParts }] = await Promise.all([
    import('#controller/runtime/log.ts'),
    import('./node/config.ts'),
    import('./node/destroy.ts'),
    import('./node/parts.ts'),
  ]);
  const config = await readConfig(configPath);
  await destroyNode(await openParts(config, createLog('agent')));
}

const [path, option] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write('no configuration: give the path of a JSON file as the first argument\n');
  process.exit(2);
}
await (option === '--destroy' ? destroy(path) : start(path));
