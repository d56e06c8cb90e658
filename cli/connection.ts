/** The connection of a command to the cluster it means. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type RemoteClient } from '#api/client/client.ts';
import { type ClusterFlags, clusterOf } from './cluster.ts';

/** The file: `--kubeconfig`, else the cluster's own file on this machine, else `KUBECONFIG`, else `~/.kube/config`. */
export function kubeconfigOf(
  flags: ClusterFlags & { readonly kubeconfig?: string | undefined },
): string {
  if (flags.kubeconfig !== undefined) return flags.kubeconfig;
  const own = clusterOf(flags).kubeconfig;
  const others = [process.env['KUBECONFIG'], join(homedir(), '.kube/config')];
  const found = [own, ...others].find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  throw new Error(`there is no cluster here (no ${own}); start one with 'bay up'`);
}

/** A client of the cluster that the flags name. Close it when done. */
export async function openClient(
  flags: ClusterFlags & { readonly kubeconfig?: string | undefined },
): Promise<RemoteClient> {
  return connect({ kubeconfig: kubeconfigOf(flags) }, 'bay');
}

/** GETs a path in another form than plain JSON: a Table, a discovery document. */
export async function requestAs(
  client: RemoteClient,
  path: string,
  accept: string,
): Promise<unknown> {
  const stream = await client.streamRequest('GET', path, undefined, { headers: { accept } });
  return JSON.parse(await text(stream));
}
