/**
 * Ten thousand pods on a thousand nodes that run nothing: the real control plane with a real etcd, from ten Deployments
 * applied until every pod is told to run; its memory and CPU by process. `node bench/scale.ts [pods [nodes]]`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensurePki } from '#api/pki/pki.ts';
import { startEtcd } from '#api/storage/etcd-process.ts';
import { programPath } from '#cli/program-path.ts';
import { heapFlags } from '#cli/up/node-program.ts';
import { ask, openSession } from './api-load.ts';
import { compileCache, moreFlags, startServer } from './api-process.ts';
import { cpuMsOf, memoryOf, printTable } from './measure.ts';

const podCount = Number(process.argv[2] ?? 10_000);
const nodeCount = Number(process.argv[3] ?? 1_000);
const deploymentCount = 10;
const home = resolve(import.meta.dirname, '..');
const json = { 'content-type': 'application/json' };
const path = '/apis/apps/v1/namespaces/default/deployments';
/** A control plane that does not get there in this time will not. */
const deadlineMs = 600_000;

/** The controllers as `bay up` runs them. */
function startControllers(dir: string, server: string): ChildProcess {
  const pki = (name: string) => join(dir, 'pki', name);
  const config = join(dir, 'controller.json');
  mkdirSync(join(dir, 'repositories'));
  const identity = { server, ca: pki('ca.crt'), cert: pki('controller.crt') };
  const places = { crds: join(home, 'crds'), repositories: join(dir, 'repositories') };
  const keys = { key: pki('controller.key'), caKey: pki('ca.key') };
  writeFileSync(config, JSON.stringify({ ...identity, ...keys, ...places }));
  const program = programPath('controller/main.ts');
  const log = openSync(join(dir, 'controller.log'), 'a');
  const args = [...heapFlags('controller/main.ts'), ...moreFlags, program, config];
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCache };
  return spawn(process.execPath, args, { env, stdio: ['ignore', log, log] });
}

/** Resolves when the nodes are registered; `told()` is how many pods they have told of. */
async function startNodes(url: string, pki: string) {
  const program = join(import.meta.dirname, 'simulated-nodes.ts');
  const args = [program, url, pki, String(nodeCount)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = 0;
  await new Promise<void>((ready, failed) => {
    child.once('exit', () => failed(new Error('the simulated nodes ended')));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const last = text.trim().split('\n').at(-1) ?? '';
      if (text.includes('ready')) ready();
      if (/^\d+$/.test(last)) told = Number(last);
    });
  });
  return { child, told: () => told };
}

const deployment = (n: number): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: `crowd-${n}` },
  spec: {
    replicas: Math.ceil(podCount / deploymentCount),
    selector: { matchLabels: { app: `crowd-${n}` } },
    template: {
      metadata: { labels: { app: `crowd-${n}` } },
      spec: {
        containers: [
          {
            name: 'main',
            image: 'registry.example.com/team/web:1.2.3',
            resources: { requests: { cpu: '100m', memory: '64Mi' } },
          },
        ],
      },
    },
  },
});

async function waitUntil(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + deadlineMs;
  while (!(await done())) {
    if (Date.now() > until) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    await sleep(50);
  }
}

/** The namespace has its service account: the controllers are at work. */
const controllersWork = (session: ClientHttp2Session) => () =>
  ask(session, { path: '/api/v1/namespaces/default/serviceaccounts/default' }).then(
    ({ status }) => status === 200,
  );

/** etcd's own count of writes: every list tells it. */
async function revisionOf(session: ClientHttp2Session): Promise<number> {
  const { body } = await ask(session, { path, keep: true });
  return Number(JSON.parse(body.toString()).metadata.resourceVersion);
}

async function measure(
  session: ClientHttp2Session,
  pids: Record<string, number>,
  told: () => number,
) {
  const parts = Object.entries(pids);
  const before = parts.map(([, pid]) => cpuMsOf(pid));
  const peaks = parts.map(() => 0);
  const look = () => {
    for (const [i, [, pid]] of parts.entries()) {
      peaks[i] = Math.max(peaks[i] ?? 0, memoryOf(pid).pss);
    }
  };
  const revision = await revisionOf(session);
  const began = performance.now();
  for (let n = 0; n < deploymentCount; n += 1) {
    const body = JSON.stringify(deployment(n));
    const { status, body: why } = await ask(session, { method: 'POST', path, headers: json, body });
    if (status !== 201) throw new Error(`create a Deployment: ${status} ${why}`);
  }
  let looked = 0;
  let half = 0;
  await waitUntil('all pods to run', () => {
    if (performance.now() - looked > 1_000) {
      look();
      looked = performance.now();
      process.stderr.write(`${((looked - began) / 1000).toFixed(1)} s: ${told()}\n`);
    }
    if (half === 0 && told() >= podCount / 2) half = performance.now() - began;
    return told() >= podCount;
  });
  const taken = performance.now() - began;
  look();
  const writes = (await revisionOf(session)) - revision;
  const mb = (kib: number) => Math.round((kib * 1024) / 1e6);
  const sum = (all: readonly number[]) => all.reduce((a, b) => a + b, 0);
  printTable(`${podCount} pods on ${nodeCount} nodes`, [
    {
      'all running': `${(taken / 1000).toFixed(1)} s`,
      'half of them': `${(half / 1000).toFixed(1)} s`,
      'must / aim': '40 / 10 s',
      'writes a pod': (writes / podCount).toFixed(2),
      'control plane, at most': `${mb(sum(peaks.slice(0, 3)))} MB`,
      'memory must / aim': '700 / 400 MB',
    },
  ]);
  printTable(
    'By process',
    parts.map(([part, pid], i) => ({
      process: part,
      'CPU s': ((cpuMsOf(pid) - (before[i] ?? 0)) / 1000).toFixed(1),
      'proportional memory at most': i < 3 ? `${mb(peaks[i] ?? 0)} MB` : '',
    })),
  );
}

const directory = mkdtempSync(join(tmpdir(), 'bayplan-scale-'));
const children: ChildProcess[] = [];
await ensurePki({ dir: join(directory, 'pki'), nodeNames: [], hosts: [] });
const etcd = await startEtcd({ dataDir: join(directory, 'etcd') });
try {
  const server = await startServer(directory, etcd.endpoint, []);
  children.push(server.child);
  const controllers = startControllers(directory, server.url);
  children.push(controllers);
  const session = await openSession(server.url, join(directory, 'pki'));
  await waitUntil('the controllers', controllersWork(session));
  const { child, told } = await startNodes(server.url, join(directory, 'pki'));
  children.push(child);
  const pids = { etcd: etcd.pid, 'API server': server.pid, controllers: controllers.pid ?? 0 };
  await measure(session, { ...pids, 'simulated nodes': child.pid ?? 0 }, told);
  session.close();
} finally {
  for (const child of children.reverse()) {
    child.removeAllListeners('exit');
    child.kill();
  }
  await etcd.stop();
  rmSync(directory, { recursive: true, force: true });
}
