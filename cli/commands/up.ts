/** `bay up`: starts a cluster, waits until it is ready, applies documents, and keeps its parts running. */
import { mkdirSync } from 'node:fs';
import { clusterOptions, parse } from '../arguments.ts';
import { type Cluster, clusterOf, readUpState, type Settings, writeUpState } from '../cluster.ts';
import { openClient } from '../connection.ts';
import { startDetached } from '../up/detach.ts';
import { Parts } from '../up/parts.ts';
import { furnished, nodeReady, stopContainers, untilReady } from '../up/readiness.ts';
import { rest } from '../up/rest.ts';
import { openSettings } from '../up/settings.ts';
import { untilSignal } from '../up/signals.ts';

const options = {
  ...clusterOptions,
  port: { type: 'string' },
  detach: { type: 'boolean', short: 'd' },
  'etcd-endpoints': { type: 'string' },
  apply: { type: 'string', multiple: true },
} as const;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const since = (started: number): string => `${((performance.now() - started) / 1000).toFixed(2)} s`;

function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new Error('making namespaces and cgroups needs root; run it with sudo');
  }
}

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

async function showReady(cluster: Cluster, settings: Settings, files: readonly string[]) {
  const started = performance.now();
  const client = await openClient({ kubeconfig: cluster.kubeconfig });
  try {
    await untilReady(client);
    say(`API ready after ${since(started)} at https://127.0.0.1:${settings.port}`);
    await Promise.all([nodeReady(client, settings.nodeName), furnished(client)]);
    say(`node ${settings.nodeName} ready after ${since(started)}`);
    if (files.length === 0) return;
    const { applyAndShow } = await import('../up/first-documents.ts');
    await applyAndShow(client, files, cluster, say);
  } finally {
    client.close();
  }
}

async function bringDown(parts: Parts, settings: Settings, cluster: Cluster): Promise<void> {
  await stopContainers(cluster, settings, say);
  await parts.stop();
  say('stopped; the documents are kept, the next `bay up` starts what they say');
}

/** Exit code 0 after a clean stop. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, options);
  requireRoot();
  const cluster = clusterOf(values);
  const other = readUpState(cluster);
  if (other !== undefined) throw new Error(`the cluster is up already (pid ${other.pid})`);
  if (values.detach === true) return startDetached(cluster, args);
  const settings = await openSettings(cluster, values.port);
  mkdirSync(cluster.runDir, { recursive: true, mode: 0o700 });
  const asked = untilSignal();
  let isAsked = false;
  void asked.then(() => {
    isAsked = true;
  });
  const state = new State(cluster);
  const parts = new Parts(cluster, {
    etcdEndpoints: values['etcd-endpoints']?.split(',') ?? [],
    onStart: (name, pid) => state.started(name, pid),
    onExit: (name, code, ms) => say(`${name} ended (exit code ${code}); again in ${ms} ms`),
  });
  say(`starting etcd, API server, controllers and node agent (data in ${cluster.dataDir})`);
  try {
    await parts.start(settings);
    const shown = showReady(cluster, settings, values.apply ?? []).then(() => state.setReady());
    await Promise.race([asked, shown]);
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
