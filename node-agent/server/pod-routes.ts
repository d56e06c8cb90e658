/** Logs, exec and attach of the node's containers, and what runs here. */
import type { ServerResponse } from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { badRequest, failure } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import type { ContainerRuntime } from '#node-agent/container/runtime.ts';
import type { PodIdentity } from '../pod/labels.ts';
import { logFile, type NodePaths } from '../pod/paths.ts';
import { containerNamed } from '../pod/pod-containers.ts';
import type { PodController } from '../pod/pod-controller.ts';
import type { PodState } from '../pod/pod-state.ts';
import { type Attempt, isAlive } from '../pod/view.ts';
import { containerLog, type LogSource } from './container-log.ts';
import { flag, logOptions } from './log-options.ts';
import type { Call, Route, UpgradeCall } from './node-api.ts';
import { sendJson } from './node-api.ts';
import { statsSummary } from './stats.ts';
import { fromStart, servePortForward, serveStream } from './streaming.ts';

export interface PodRoutesOptions {
  readonly pods: PodController;
  readonly runtime: ContainerRuntime;
  readonly paths: NodePaths;
  readonly nodeName: string;
  /** A connection to a port of the pod, made from inside it. */
  readonly dial: (pod: Pod, port: number) => Promise<Duplex>;
}

const container = '/([^/]+)/([^/]+)/([^/]+)/?$';

export function podRoutes(options: PodRoutesOptions): Route<Call>[] {
  return [
    {
      method: 'GET',
      path: new RegExp(`^/containerLogs${container}`),
      answer: (call) => sendLog(options, call),
    },
    {
      method: 'GET',
      path: /^\/pods\/?$/,
      answer: async ({ response }) => {
        const items = options.pods.pods();
        sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items });
      },
    },
    {
      method: 'GET',
      path: /^\/stats\/summary$/,
      answer: async ({ response }) => sendJson(response, await statsSummary(options)),
    },
  ];
}

const methods = ['GET', 'POST'] as const;

export function streamRoutes(options: PodRoutesOptions): Route<UpgradeCall>[] {
  const route = (kind: 'exec' | 'attach', method: string): Route<UpgradeCall> => ({
    method,
    path: new RegExp(`^/${kind}${container}`),
    answer: async ({ parts, query, ...upgrade }) => {
      const anyway = kind === 'attach' && flag(query, fromStart);
      const containerId = running(options, parts, anyway).id;
      await serveStream(options.runtime, { kind, containerId, query }, upgrade);
    },
  });
  const ports = (method: string): Route<UpgradeCall> => ({
    method,
    path: /^\/portForward\/([^/]+)\/([^/]+)\/?$/,
    answer: async ({ parts, query, ...upgrade }) => {
      const [namespace = '', name = ''] = parts;
      const found = findPod(options, namespace, name);
      await servePortForward((port) => options.dial(found.pod, port), query, upgrade);
    },
  });
  return methods.flatMap((method) => [
    route('exec', method),
    route('attach', method),
    ports(method),
  ]);
}

interface Place {
  readonly pod: Pod;
  readonly state: PodState;
  readonly name: string;
}

/** @throws StatusError 404 */
function findPod({ pods }: PodRoutesOptions, namespace: string, name: string) {
  const found = pods.find(namespace, name);
  if (found !== undefined) return found;
  throw failure(404, 'NotFound', `pod "${name}" not found on this node`);
}

/** @throws StatusError 404 for an unknown pod, 400 for a container it does not have */
function find(options: PodRoutesOptions, parts: readonly string[]): Place {
  const [namespace = '', podName = '', name = ''] = parts;
  const found = findPod(options, namespace, podName);
  if (containerNamed(found.pod, name) === undefined) {
    throw badRequest(`container ${name} is not valid for pod ${podName}`);
  }
  return { ...found, name };
}

/** `orEnded`: or has run. @throws StatusError 404 while the container does not run */
function running(options: PodRoutesOptions, parts: readonly string[], orEnded: boolean): Attempt {
  const { state, name } = find(options, parts);
  const attempt = state.attempts(name).at(-1);
  const phase = attempt?.state.phase;
  if (attempt === undefined || !(phase === 'running' || (orEnded && phase === 'exited'))) {
    throw failure(404, 'NotFound', `container not found ("${name}")`);
  }
  return attempt;
}

async function sendLog(options: PodRoutesOptions, call: Call): Promise<void> {
  const { response, query } = call;
  const wanted = logOptions(query, Date.now());
  const place = find(options, call.parts);
  const attempt = loggedAttempt(place, wanted.previous);
  const source = logSource(options, place.state.identity, attempt);
  await answerLog(response, (signal) => containerLog(source, wanted, signal));
}

/** Sends the chunks of a log as they come. A reader who leaves early is no failure. */
export async function answerLog(
  response: ServerResponse,
  log: (signal: AbortSignal) => AsyncIterable<Buffer>,
): Promise<void> {
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  response.writeHead(200, { 'content-type': 'text/plain' });
  response.flushHeaders();
  const chunks = Readable.from(log(abort.signal), { objectMode: false });
  await pipeline(chunks, response).catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
}

/** The attempt whose log is wanted. @throws StatusError 400, worded as kubelet words it */
function loggedAttempt({ pod, state, name }: Place, previous: boolean): Attempt {
  const attempts = state.attempts(name);
  const found = attempts.at(previous ? -2 : -1);
  if (found !== undefined) return found;
  const where = `container "${name}" in pod "${pod.metadata.name}"`;
  if (previous) throw badRequest(`previous terminated ${where} not found`);
  throw badRequest(`${where} is waiting to start: ${waitingFor(state, name)}`);
}

/** Why a container has not begun yet. */
export function waitingFor(state: PodState, name: string): string {
  const statuses = [
    ...(state.status?.containerStatuses ?? []),
    ...(state.status?.initContainerStatuses ?? []),
  ];
  const waiting = statuses.find((status) => status.name === name)?.state?.waiting;
  return waiting?.reason ?? 'ContainerCreating';
}

/** The log of one attempt as it is being written. */
export function logSource(
  options: Pick<PodRoutesOptions, 'runtime' | 'paths'>,
  pod: PodIdentity,
  attempt: Attempt,
): LogSource {
  const current = () => options.runtime.get(attempt.id)?.state ?? { phase: 'exited' };
  return {
    path: logFile(options.paths, pod, attempt),
    isLive: () => isAlive(attempt) && current().phase !== 'exited',
    onChange: (callback) => {
      const changes = options.runtime.changes.subscribe(({ spec }) => {
        if (spec.id === attempt.id) callback();
      });
      return () => changes.unsubscribe();
    },
  };
}
