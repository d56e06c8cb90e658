/** A node's API over an agent in memory, and clients with the cluster's certificates. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { ensurePki } from '#api/pki/pki.ts';
import { silent } from '#controller/runtime/log.ts';
import { imageRoutes } from '#node-agent/server/image-routes.ts';
import { serveNodeApi } from '#node-agent/server/node-api.ts';
import { podRoutes, streamRoutes } from '#node-agent/server/pod-routes.ts';
import { agentRig, podOf } from '../agent-rig.ts';

function dialHost(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.once('error', reject).once('connect', () => resolve(socket));
  });
}

interface Tap {
  teardown(run: () => unknown): void;
}

const pkiDir = mkdtempSync(join(tmpdir(), 'pods-pki-'));
await ensurePki({ dir: pkiDir, nodeNames: ['n1'], hosts: [] });
process.once('exit', () => rmSync(pkiDir, { recursive: true, force: true }));
const pem = (name: string) => readFileSync(join(pkiDir, name), 'utf8');
const identity = (name: string) => ({
  ca: pem('ca.crt'),
  cert: pem(`${name}.crt`),
  key: pem(`${name}.key`),
  servername: 'n1',
});

/** The API with no pod yet. */
export async function served(t: Tap) {
  const rig = await agentRig();
  const options = {
    get pods() {
      return rig.pods;
    },
    runtime: rig.runtime,
    paths: { dataDir: rig.dataDir },
    nodeName: 'n1',
    // A pod of this rig has no network of its own: its ports are this machine's.
    dial: (_: unknown, port: number) => dialHost(port),
  };
  let imageChanges = 0;
  const onChange = () => {
    imageChanges += 1;
  };
  const api = await serveNodeApi({
    bindAddress: '127.0.0.1',
    port: 0,
    tls: { ca: pem('ca.crt'), cert: pem('node-n1.crt'), key: pem('node-n1.key') },
    routes: [
      ...podRoutes(options),
      ...imageRoutes({ images: rig.images, users: async () => new Map(), onChange }),
    ],
    upgrades: streamRoutes(options),
    log: silent,
  });
  t.teardown(async () => {
    await api.close();
    rig.close();
  });
  const ask = (
    method: string,
    path: string,
    as = 'api-server-client',
    body = '',
    headers: Readonly<Record<string, string>> = {},
  ) =>
    new Promise<{ code: number; text: string }>((resolve, reject) => {
      const target = { host: '127.0.0.1', port: api.port, method, path, headers, ...identity(as) };
      const call = request(target, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      });
      call.on('error', reject);
      call.end(body);
    });
  const connect = (path: string, protocol: string | string[]) =>
    new WebSocket(`wss://127.0.0.1:${api.port}${path}`, protocol, identity('admin'));
  const { port } = api;
  return { rig, ask, connect, port, identity, imageChanges: () => imageChanges };
}

/** The API with the pod `default/web`, whose container `main` runs. */
export async function withPod(t: Tap) {
  const all = await served(t);
  await all.rig.create(podOf('web'));
  await all.rig.until('web', (pod) => pod.status?.phase === 'Running');
  return all;
}
