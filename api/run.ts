/** The API server from its configuration to its end. */
import { readConfig } from './config.ts';
import { giveBackAtRest } from './resources/rest.ts';
import { createKinds } from './schema/kinds.ts';
import { withEncryption } from './server/encryption.ts';
import { logLine } from './server/log.ts';
import { ApiServer } from './server/server.ts';
import { connectEtcd } from './storage/etcd.ts';
import { type Storage, Unavailable } from './storage/storage.ts';

/** Connecting gives up after half a minute; etcd may be away for longer. */
async function connectForEver(endpoints: readonly string[]): Promise<Storage> {
  for (;;) {
    try {
      return await connectEtcd({ endpoints });
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      logLine('warn', 'etcd does not answer', { endpoints, error: error.message });
    }
  }
}

/** Runs until SIGTERM or SIGINT. Rejects if the configuration is wrong or the port is taken. */
export async function runServer(configPath: string): Promise<void> {
  const config = await readConfig(configPath);
  const storage = connectForEver(config.etcdEndpoints);
  const server = new ApiServer({
    address: config.bindAddress,
    port: config.port,
    pki: config.pki,
    kinds: createKinds(),
    ...(config.nodeProxyTimeoutMs === undefined
      ? {}
      : { nodeProxyTimeoutMs: config.nodeProxyTimeoutMs }),
    ...(config.serviceCidr === undefined ? {} : { serviceCidr: config.serviceCidr }),
    ...(config.advertiseAddress === undefined ? {} : { advertiseAddress: config.advertiseAddress }),
    moreAddresses: config.moreAddresses ?? [],
    disableAdmission: config.disableAdmission ?? [],
    enableAdmission: config.enableAdmission ?? [],
  });
  try {
    await server.listen();
  } catch (error) {
    const { bindAddress: address, port } = config;
    logLine('error', 'cannot listen', { address, port, error: (error as Error).message });
    process.exit(1);
  }
  logLine('info', 'listening', { address: config.bindAddress, port: server.port });
  const stop = async () => {
    await server.close();
    logLine('info', 'stopped');
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
  const opened = await withEncryption(await storage, config.pki, logLine);
  await server.fill(opened);
  giveBackAtRest({
    release: async () => (await import('#native/memory.ts')).releaseMemory(),
  });
  logLine('info', 'ready', { ms: Math.round(performance.now()) });
}
