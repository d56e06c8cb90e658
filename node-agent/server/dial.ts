/** Connections to ports of a pod, made from inside it: what listens on its `127.0.0.1` alone is reached too. */
import { createConnection } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Pod } from '#api/resources/types.ts';
import { connectInside } from '#native/sockets.ts';
import type { PodNetwork } from '../network/pod-network.ts';

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused; nothing listens there',
  ENOENT: 'the pod has no network (it is not running)',
};

function inHostNetwork(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.once('error', reject).once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** The agent's way to a pod's port. Rejects with an Error that says pod, port and why. */
export const podDialer =
  (network: PodNetwork) =>
  async (pod: Pod, port: number): Promise<Duplex> => {
    const { namespace, name, uid = '' } = pod.metadata;
    try {
      if (pod.spec?.hostNetwork === true) return await inHostNetwork(port);
      return await connectInside(network.netnsPath(uid), port);
    } catch (cause) {
      const { code = '', message } = cause as NodeJS.ErrnoException;
      const why = reasons[code] ?? message;
      throw new Error(`connect to localhost:${port} inside pod ${namespace}/${name}: ${why}`, {
        cause,
      });
    }
  };
