/** `bay up`: starts a cluster, waits until it is ready, applies documents, and keeps its parts running. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { clusterOptions, parse } from '../arguments.ts';
import { clusterOf, readUpState } from '../cluster.ts';
import { startDetached } from '../up/detach.ts';
import { holdPart } from '../up/part-programs.ts';
import { openSettings } from '../up/settings.ts';

const options = {
  ...clusterOptions,
  port: { type: 'string' },
  nodes: { type: 'string' },
  listen: { type: 'string' },
  detach: { type: 'boolean', short: 'd' },
  'etcd-endpoints': { type: 'string' },
  apply: { type: 'string', multiple: true },
} as const;

function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new Error('making namespaces and cgroups needs root; run it with sudo');
  }
}

/** Exit code 0 after a clean stop. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, options);
  requireRoot();
  const cluster = clusterOf(values);
  const other = readUpState(cluster);
  if (other !== undefined) throw new Error(`the cluster is up already (pid ${other.pid})`);
  if (values.detach === true) return startDetached(cluster, args);
  const settings = await openSettings(cluster, values);
  for (const directory of [cluster.runDir, join(cluster.dataDir, 'log')]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  // Before the rest of our own code is loaded: the two take the time of one.
  const api = holdPart(cluster, 'api');
  api.catch(() => undefined); // Told of where it is waited for.
  const { bringUp } = await import('../up/bring-up.ts');
  return bringUp(cluster, settings, {
    api,
    etcdEndpoints: values['etcd-endpoints']?.split(',') ?? [],
    apply: values.apply ?? [],
  });
}
