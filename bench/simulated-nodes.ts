/**
 * Nodes that run nothing: they register, renew their Leases, and tell of every pod bound to them that it runs, as an
 * agent would, over the real API. A process of its own, so that its cost is not counted as the control plane's:
 * `node bench/simulated-nodes.ts URL PKI COUNT`. Prints `ready`, then how many pods it has told of, each second.
 */
import type { ClientHttp2Session } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerStatus, Pod } from '#api/resources/types.ts';
import { ask, openSession } from './api-load.ts';

const [url = '', pki = '', count = ''] = process.argv.slice(2);
const nodeCount = Number(count);
const json = { 'content-type': 'application/json' };
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const merge = { 'content-type': 'application/merge-patch+json' };
/** Requests under way at once. */
const width = 128;
/** As agents do. */
const renewMs = 10_000;
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

const nodeName = (n: number): string => `node-${String(n).padStart(4, '0')}`;
const now = (): string => new Date().toISOString();

async function must(session: ClientHttp2Session, request: Parameters<typeof ask>[1]) {
  const answer = await ask(session, request);
  // A pod that has gone meanwhile needs no word.
  if (answer.status >= 300 && answer.status !== 404) {
    throw new Error(`${request.method} ${request.path}: ${answer.status} ${answer.body}`);
  }
}

function nodeOf(n: number): object {
  const quantities = { cpu: '32', memory: '256Gi', pods: '110', 'ephemeral-storage': '500Gi' };
  const at = { lastHeartbeatTime: now(), lastTransitionTime: now() };
  const condition = (type: string, status: string, reason: string) => ({
    ...{ type, status, reason },
    ...at,
  });
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: nodeName(n), labels: { 'kubernetes.io/hostname': nodeName(n) } },
    status: {
      capacity: quantities,
      allocatable: quantities,
      addresses: [{ type: 'InternalIP', address: `10.${128 + (n >> 8)}.${n & 255}.1` }],
      conditions: [
        condition('Ready', 'True', 'KubeletReady'),
        condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID'),
      ],
    },
  };
}

async function register(session: ClientHttp2Session, n: number): Promise<void> {
  const name = nodeName(n);
  const path = '/api/v1/nodes';
  await must(session, { method: 'POST', path, headers: json, body: JSON.stringify(nodeOf(n)) });
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: leaseTime() };
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
  await must(session, {
    method: 'POST',
    path: leases,
    headers: json,
    body: JSON.stringify(lease),
  });
}

const leaseTime = (): string => now().replace('Z', '000Z');

/** Every node's Lease every ten seconds, spread over them. */
async function renew(session: ClientHttp2Session): Promise<void> {
  for (let n = 0; ; n = (n + 1) % nodeCount) {
    const body = JSON.stringify({ spec: { renewTime: leaseTime() } });
    const path = `${leases}/${nodeName(n)}`;
    void must(session, { method: 'PATCH', path, headers: merge, body });
    await sleep(renewMs / nodeCount);
  }
}

let told = 0;
const addressOf = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;

/** What an agent tells when all containers run. */
function runningStatus({ metadata, spec }: Pod, n: number): string {
  const at = now();
  const containerStatuses = (spec?.containers ?? []).map(({ name, image }) => ({
    name,
    image,
    imageID: `${image}@sha256:${'0'.repeat(64)}`,
    containerID: `bayplan://${'0'.repeat(56)}${n.toString(16).padStart(8, '0')}`,
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: at } },
  })) as unknown as ContainerStatus[];
  const types = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady'];
  const conditions = types.map((type) => ({ type, status: 'True', lastTransitionTime: at }));
  const podIP = addressOf(n);
  const status = { phase: 'Running', conditions, podIP, podIPs: [{ ip: podIP }], startTime: at };
  return JSON.stringify({
    metadata: { uid: metadata.uid },
    status: { ...status, containerStatuses },
  });
}

const waiting: (() => Promise<void>)[] = [];
let busy = 0;
async function work(): Promise<void> {
  if (busy >= width) return;
  busy += 1;
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next();
  busy -= 1;
}

const seen = new Map<string, 'running' | 'leaving'>();

function take(session: ClientHttp2Session, type: string, pod: Pod): void {
  const { uid = '', name, namespace, deletionTimestamp } = pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  if (type === 'DELETED') {
    seen.delete(uid);
  } else if (deletionTimestamp !== undefined) {
    if (seen.get(uid) === 'leaving') return;
    seen.set(uid, 'leaving');
    const body = JSON.stringify({ gracePeriodSeconds: 0, preconditions: { uid } });
    waiting.push(() => must(session, { method: 'DELETE', path, headers: json, body }));
  } else if (!seen.has(uid)) {
    seen.set(uid, 'running');
    const body = runningStatus(pod, seen.size);
    const request = { method: 'PATCH', path: `${path}/status`, headers: strategic, body };
    waiting.push(async () => {
      await must(session, request);
      told += 1;
    });
  }
  void work();
}

/** One watch over all nodes' pods: what each agent would watch of them is filtered by the server as well. */
function follow(watching: ClientHttp2Session, writing: ClientHttp2Session): void {
  const path = '/api/v1/pods?watch=true&fieldSelector=spec.nodeName!%3D';
  const stream = watching.request({ ':method': 'GET', ':path': path });
  let rest = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { type, object } = JSON.parse(line) as { type: string; object: Pod };
      take(writing, type, object);
    }
  });
  stream.on('end', () => {
    throw new Error('the watch ended');
  });
}

const [watching, writing] = await Promise.all([openSession(url, pki), openSession(url, pki)]);
for (let n = 0; n < nodeCount; n += 50) {
  const some = Array.from({ length: Math.min(50, nodeCount - n) }, (_, i) => n + i);
  await Promise.all(some.map((each) => register(writing, each)));
}
follow(watching, writing);
console.log('ready');
void renew(writing);
for (;;) {
  await sleep(100);
  console.log(told);
}
