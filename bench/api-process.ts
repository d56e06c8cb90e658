/** The API server as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { programPath } from '#cli/program-path.ts';
import { heapFlags } from '#cli/up/node-program.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** Of Node, for a look inside: `BENCH_FLAGS='--cpu-prof --cpu-prof-dir=/tmp/profiles'`. */
export const moreFlags = (process.env['BENCH_FLAGS'] ?? '').split(' ').filter(Boolean);

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly url: string;
  readonly readyMs: number;
}

/** As in `bay`. */
export const compileCache = join(import.meta.dirname, '../node_modules/.cache/compile');

/** The API server as `bay up` runs it, packed if setup has packed it; resolves when it says that it is ready. */
export async function startServer(
  dir: string,
  etcdEndpoint: string,
  disableAdmission: readonly string[] = ['ServiceAccount'],
): Promise<Running> {
  const port = await freePort();
  const config = join(dir, 'api.json');
  const places = { dataDir: dir, runDir: dir, pki: join(dir, 'pki') };
  const how = {
    clusterName: 'bench',
    bindAddress: '127.0.0.1',
    port,
    disableAdmission,
  };
  writeFileSync(config, JSON.stringify({ ...how, ...places, etcdEndpoints: [etcdEndpoint] }));
  const began = performance.now();
  const main = programPath('api/main.ts');
  const child = spawn(process.execPath, [...heapFlags('api/main.ts'), ...moreFlags, main, config], {
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((ready, failed) => {
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (log.includes('"ready"')) ready();
    });
    child.once('exit', () => failed(new Error(`the server ended: ${log}`)));
  });
  const readyMs = performance.now() - began;
  return { child, pid: child.pid ?? 0, url: `https://127.0.0.1:${port}`, readyMs };
}
