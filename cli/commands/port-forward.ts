/** `bay port-forward`: ports of this machine as ports of a pod. */
import { createServer, type Server, type Socket } from 'node:net';
import type { RemoteClient } from '#api/client/client.ts';
import { pods } from '#api/resources/resource-types.ts';
import type { Pod } from '#api/resources/types.ts';
import { UsageError } from '../arguments.ts';
import { withClient } from '../documents/each.ts';
import { clientFlags, parseFlags } from '../documents/flags.ts';
import { forwardConnection } from '../forward/connection.ts';
import { portsOf, remotePort } from '../forward/ports.ts';
import { type PodFound, selectedPod } from '../selected-pod.ts';
import { findTarget, ownKinds } from '../target.ts';

const flags = {
  ...clientFlags,
  address: { type: 'string', multiple: true },
  'pod-running-timeout': { type: 'string' },
} as const;

function listen(port: number, host: string, take: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(take);
    server.once('error', (error) => {
      reject(new Error(`unable to listen on port ${port}: ${error.message}`));
    });
    server.listen(port, host, () => resolve(server));
  });
}

const shownAddress = (server: Server): { host: string; port: number } => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the port has gone');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { host, port: address.port };
};

/** A Service is remembered: its ports are not those of its pods. */
function podOf(client: RemoteClient, target: string, namespace: string): Promise<PodFound> {
  const kind = target.includes('/') ? (target.split('/')[0] ?? '') : '';
  return ownKinds.includes(kind)
    ? findTarget(client, target, namespace)
    : selectedPod(client, target, namespace);
}

/** Ends by SIGINT or SIGTERM. */
const interrupted = (): Promise<void> =>
  new Promise((done) => {
    process.once('SIGINT', () => done()).once('SIGTERM', () => done());
  });

export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('port-forward', args, flags);
  const [target, ...texts] = words;
  if (target === undefined || texts.length === 0) {
    throw new UsageError(
      'TYPE/NAME and list of ports are required: bay port-forward pod/NAME 8080:80',
    );
  }
  const asked = texts.map(portsOf);
  const addresses = (values.address ?? ['127.0.0.1']).flatMap((text) =>
    text.split(',').map((one) => (one === 'localhost' ? '127.0.0.1' : one)),
  );
  return withClient(values, async (client) => {
    const { namespace = 'default' } = values;
    const found = await podOf(client, target, namespace);
    const pod = await client.collection<Pod>(pods).get({ name: found.pod, namespace });
    if (pod.status?.phase !== 'Running') {
      throw new Error(
        `unable to forward port because pod is not running. Current status=${pod.status?.phase}; 'bay why pod/${found.pod}' tells the cause`,
      );
    }
    const servers: Server[] = [];
    try {
      for (const { local, remote } of asked) {
        const port = remotePort(remote, pod, found.service);
        for (const address of addresses) {
          const server = await listen(local ?? port, address, (socket) => {
            process.stdout.write(`Handling connection for ${shownAddress(server).port}\n`);
            forwardConnection(client.credentials, { namespace, pod: found.pod, port }, socket);
          });
          servers.push(server);
          const shown = shownAddress(server);
          process.stdout.write(`Forwarding from ${shown.host}:${shown.port} -> ${port}\n`);
        }
      }
      await interrupted();
      return 0;
    } finally {
      for (const server of servers) server.close();
    }
  });
}
