/** TCP connections made from inside another network namespace. */
import { Socket } from 'node:net';
import { loadAddon } from './load.ts';

interface Face {
  socketInside(netnsPath: string, family: 4 | 6): Promise<number>;
}

/**
 * Connects to `port` of `127.0.0.1`, else of `::1`, as seen from inside the namespace kept at `netnsPath`.
 * Rejects with the system's error of the first try (`ECONNREFUSED` …), or a `NativeError`.
 */
export async function connectInside(netnsPath: string, port: number): Promise<Socket> {
  try {
    return await connect(await loadAddon<Face>().socketInside(netnsPath, 4), '127.0.0.1', port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    const second = await loadAddon<Face>().socketInside(netnsPath, 6);
    return connect(second, '::1', port).catch(() => {
      throw error;
    });
  }
}

function connect(fd: number, host: string, port: number): Promise<Socket> {
  const socket = new Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.connect({ host, port }, () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
