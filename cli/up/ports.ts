/** Which ports a new cluster takes, and when somebody listens on one. */
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

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

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => done(false));
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
  });
}

/** Resolves when somebody listens on the loopback port, at the latest after `limitMs`. */
export async function untilListening(port: number, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await accepts(port)) && Date.now() < deadline) await sleep(10);
}
