/** An API server of its own for a test: real TLS, a store in memory, a client and a kubeconfig. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type RemoteClient } from '#api/client/client.ts';
import { ensurePki, writeKubeconfig } from '#api/pki/pki.ts';
import { createKinds } from '#api/schema/kinds.ts';
import type { BodyLimits } from '#api/server/body.ts';
import { ApiServer } from '#api/server/server.ts';
import { createMemoryStorage } from '#api/storage/memory.ts';
import type { Storage } from '#api/storage/storage.ts';

export interface TestServer {
  readonly server: ApiServer;
  readonly storage: Storage;
  readonly url: string;
  /** Certificates of the parts and of the node `n1`. */
  readonly pki: string;
  readonly kubeconfig: string;
  readonly logged: string[];
  /** As `kubernetes-admin`, or as whom the certificate names: `controller`, `node-n1`. */
  client(identity?: string): RemoteClient;
  close(): Promise<void>;
}

export interface TestServerOptions {
  /** Whether pods need an account that exists: nobody makes one here. */
  readonly serviceAccounts?: boolean;
  readonly compactionIntervalMs?: number;
  readonly enableAdmission?: readonly string[];
  readonly bodyLimits?: BodyLimits;
  /** The range of cluster addresses. */
  readonly serviceCidr?: string;
}

export async function startTestServer(
  storage = createMemoryStorage(),
  {
    serviceAccounts = false,
    compactionIntervalMs,
    bodyLimits,
    serviceCidr,
    enableAdmission = [],
  }: TestServerOptions = {},
): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), 'bayplan-api-'));
  const pki = join(dir, 'pki');
  await ensurePki({ dir: pki, nodeNames: ['n1'], hosts: [] });
  const logged: string[] = [];
  const server = new ApiServer({
    address: '127.0.0.1',
    port: 0,
    pki,
    kinds: createKinds(),
    ...(compactionIntervalMs === undefined ? {} : { compactionIntervalMs }),
    ...(bodyLimits === undefined ? {} : { bodyLimits }),
    ...(serviceCidr === undefined ? {} : { serviceCidr }),
    enableAdmission,
    disableAdmission: serviceAccounts ? [] : ['ServiceAccount'],
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  await server.listen();
  await server.fill(storage);
  const url = `https://127.0.0.1:${server.port}`;
  const file = (identity: string) => ({
    ca: join(pki, 'ca.crt'),
    cert: join(pki, `${identity}.crt`),
    key: join(pki, `${identity}.key`),
  });
  const kubeconfig = join(dir, 'kubeconfig');
  await writeKubeconfig({
    path: kubeconfig,
    server: url,
    ...file('admin'),
    clusterName: 'test',
  });
  const clients: RemoteClient[] = [];
  return {
    server,
    storage,
    url,
    pki,
    kubeconfig,
    logged,
    client: (identity = 'admin') => {
      const client = connect({ server: url, ...file(identity) });
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.close();
      await server.close();
      await storage.close();
      rmSync(dir, { recursive: true });
    },
  };
}
