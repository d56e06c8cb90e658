/** A cluster from its settings to its end: what `bay up` does once it knows what is asked. */
import { type Cluster, type Settings, writeUpState } from '../cluster.ts';
import { openClient } from '../connection.ts';
import { removeNodeNetwork } from './node-network.ts';
import { nodePlaces } from './node-places.ts';
import type { Held } from './node-program.ts';
import { Parts } from './parts.ts';
import { furnished, nodeReady, stopContainers, untilReady } from './readiness.ts';
import { rest } from './rest.ts';
import { untilSignal } from './signals.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const since = (started: number): string => `${((performance.now() - started) / 1000).toFixed(2)} s`;

/** Keeps `<run-dir>/up.json` true: who we are, which part has which pid, whether all is ready. */
class State {
  readonly #cluster: Cluster;
  readonly #parts: Record<string, number> = {};
  #ready = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.write();
  }

  started(name: string, pid: number): void {
    this.#parts[name] = pid;
    this.write();
  }

  setReady(): void {
    this.#ready = true;
    this.write();
  }

  write(): void {
    writeUpState(this.#cluster, { ready: this.#ready, parts: this.#parts });
  }
}

/** Starts what waits for the API server, and tells what is there. */
async function complete(
  parts: Parts,
  cluster: Cluster,
  settings: Settings,
  files: readonly string[],
): Promise<void> {
  const started = performance.now();
  const client = await openClient({ kubeconfig: cluster.kubeconfig });
  try {
    await untilReady(client);
    say(`API ready after ${since(started)} at https://127.0.0.1:${settings.port}`);
    await parts.startClients(settings);
    const names = nodePlaces(cluster, settings).map(({ name }) => name);
    await Promise.all([...names.map((name) => nodeReady(client, name)), furnished(client)]);
    const which = names.length === 1 ? `node ${names[0]}` : `nodes ${names.join(' ')}`;
    say(`${which} ready after ${since(started)}`);
    if (files.length === 0) return;
    const { applyAndShow } = await import('./first-documents.ts');
    await applyAndShow(client, files, cluster, say);
  } finally {
    client.close();
  }
}

async function bringDown(parts: Parts, settings: Settings, cluster: Cluster): Promise<void> {
  await stopContainers(cluster, settings, say);
  await parts.stop();
  await removeNodeNetwork(cluster, settings);
  say('stopped; the documents are kept, the next `bay up` starts what they say');
}

export interface BringUpOptions {
  /** The API server's program, waiting. */
  readonly api: Promise<Held>;
  /** Endpoints of an etcd that others run; empty: our own member. */
  readonly etcdEndpoints: readonly string[];
  /** Documents to apply and show when the cluster is ready. */
  readonly apply: readonly string[];
}

/** Starts the cluster and keeps it until it is asked to end. Exit code 0 after a clean stop. */
export async function bringUp(
  cluster: Cluster,
  settings: Settings,
  { api, etcdEndpoints, apply }: BringUpOptions,
): Promise<number> {
  const asked = untilSignal();
  let isAsked = false;
  void asked.then(() => {
    isAsked = true;
  });
  const state = new State(cluster);
  const parts = new Parts(cluster, {
    etcdEndpoints,
    api,
    onStart: (name, pid) => state.started(name, pid),
    onExit: (name, code, ms) => say(`${name} ended (exit code ${code}); again in ${ms} ms`),
  });
  say(`starting etcd, API server, controllers and node agent (data in ${cluster.dataDir})`);
  try {
    await parts.start(settings);
    const completed = complete(parts, cluster, settings, apply).then(() => state.setReady());
    await Promise.race([asked, completed]);
    // Usually the last of this program: `resume.ts` goes on when something happens.
    if (!isAsked) await rest({ cluster, history: {} }, () => !isAsked);
    const end = await asked;
    say(`${end}: stopping the cluster`);
  } finally {
    // After a failure too: a cluster that is not ready is not left half running.
    await bringDown(parts, settings, cluster);
  }
  return 0;
}
