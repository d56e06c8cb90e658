/** Which ports a new cluster takes. */
import { createServer } from 'node:net';

/** Whether something could listen on the loopback port now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

/** The first free port from `from` on. */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < 65_536; port += 1) if (await isFree(port)) return port;
  throw new Error(`no free port from ${from} on`);
}
