/** The server under measurement: the real process, with its own etcd (fsync on), and objects that requests count on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensurePki } from '#api/pki/pki.ts';
import { type EtcdProcess, startEtcd } from '#api/storage/etcd-process.ts';
import { heapFlags } from '#cli/up/node-program.ts';
import { Requester } from './requester.ts';

const home = resolve(import.meta.dirname, '../..');

export interface Measured {
  readonly pid: number;
  readonly etcdPid: number;
  readonly folder: string;
  readonly url: string;
  readonly pki: string;
  /** From the start of etcd to the first positive answer of /readyz, ms. */
  readonly readyMs: number;
  restart(): Promise<number>;
  close(): Promise<void>;
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function startProgram(configPath: string): ChildProcess {
  return spawn(process.execPath, [...heapFlags, join(home, 'api/main.ts'), configPath], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(home, 'node_modules/.cache/compile') },
  });
}

async function untilReady(url: string, pki: string): Promise<void> {
  for (;;) {
    const requester = new Requester(url, pki, 1);
    const status = await requester.status('/readyz').catch(() => 0);
    requester.close();
    if (status === 200) return;
    await sleep(5);
  }
}

const stopped = (child: ChildProcess): Promise<void> =>
  new Promise((done) => {
    child.once('exit', () => done());
    child.kill('SIGTERM');
  });

/** Starts etcd and the API server in an empty directory and resolves when it says that it is ready. */
export async function startMeasured(): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'bayplan-bench-api-'));
  const pki = join(folder, 'pki');
  await ensurePki({ dir: pki, nodeNames: ['n1'], hosts: [] });
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const configPath = join(folder, 'api.json');
  const began = performance.now();
  const etcd: EtcdProcess = await startEtcd({ dataDir: join(folder, 'etcd') });
  const places = { clusterName: 'bench', dataDir: folder, runDir: folder, pki };
  const address = { bindAddress: '127.0.0.1', port, etcdEndpoints: [etcd.endpoint] };
  writeFileSync(configPath, JSON.stringify({ ...places, ...address }));
  let child = startProgram(configPath);
  await untilReady(url, pki);
  return {
    get pid() {
      return child.pid ?? 0;
    },
    etcdPid: etcd.pid,
    folder,
    url,
    pki,
    readyMs: performance.now() - began,
    restart: async () => {
      await stopped(child);
      const again = performance.now();
      child = startProgram(configPath);
      await untilReady(url, pki);
      return performance.now() - again;
    },
    close: async () => {
      await stopped(child);
      await etcd.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
