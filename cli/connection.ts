/** The connection of a command to the cluster it means. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type RemoteClient } from '#api/client/client.ts';
import type { KubeconfigOptions } from '#api/client/credentials.ts';
import { hasContext } from '#api/client/kubeconfig.ts';
import { UsageError } from './arguments.ts';
import { type ClusterFlags, clusterOf } from './cluster.ts';
import { timeLimitMs } from './time-limit.ts';

/** Flags that say which API server is asked, and as whom. */
export interface ConnectionFlags extends ClusterFlags {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly 'certificate-authority'?: string | undefined;
  readonly 'insecure-skip-tls-verify'?: boolean | undefined;
  readonly as?: string | undefined;
  readonly 'as-group'?: readonly string[] | undefined;
  readonly 'request-timeout'?: string | undefined;
}

/** The files that may be meant and are there. */
function kubeconfigsOf(flags: ConnectionFlags): string[] {
  if (flags.kubeconfig !== undefined) return [flags.kubeconfig];
  const all = [
    clusterOf(flags).kubeconfig,
    process.env['KUBECONFIG'],
    join(homedir(), '.kube/config'),
  ];
  return all.filter((path) => path !== undefined).filter((path) => existsSync(path));
}

/**
 * The file: `--kubeconfig`, else the cluster's own file on this machine, else `KUBECONFIG`, else `~/.kube/config`; of
 * these the first that has the `--context`.
 */
export function kubeconfigOf(flags: ConnectionFlags): string {
  const { context } = flags;
  const found = kubeconfigsOf(flags);
  const [first] = found;
  if (first === undefined) {
    throw new Error(
      `there is no cluster here (no ${clusterOf(flags).kubeconfig}); start one with 'bay up'`,
    );
  }
  if (context === undefined || found.length === 1) return first;
  return found.find((path) => hasContext(path, context)) ?? first;
}

/** What `connect` is to know. */
function connectOptions(flags: ConnectionFlags): KubeconfigOptions {
  const { context, cluster, user, server, token, as, 'as-group': asGroups } = flags;
  const { 'certificate-authority': authority, 'insecure-skip-tls-verify': insecure } = flags;
  if (insecure === true && authority !== undefined) {
    throw new UsageError(
      'specifying a root certificates file with the insecure flag is not allowed',
    );
  }
  if (asGroups !== undefined && as === undefined) {
    throw new UsageError(
      'requesting groups without impersonating a user is not allowed: give --as, too',
    );
  }
  const isElsewhere = server !== undefined && kubeconfigsOf(flags).length === 0;
  const timeoutMs = timeLimitMs(flags['request-timeout'] ?? '0', '--request-timeout');
  return {
    kubeconfig: isElsewhere ? undefined : kubeconfigOf(flags),
    ...{ context, cluster, user, server, token, authority, insecure, as, asGroups },
    timeoutMs: timeoutMs > 0 ? timeoutMs : undefined,
  };
}

/** A client of the cluster that the flags name. Close it when done. */
export async function openClient(flags: ConnectionFlags): Promise<RemoteClient> {
  return connect(connectOptions(flags), 'bay');
}

/** The same where docker's flags have the names: `--name` and `--user` are the container's, `--cluster` ours. */
export const openClientOfRun = (flags: ConnectionFlags): Promise<RemoteClient> =>
  openClient({ ...flags, name: flags.cluster, cluster: undefined, user: undefined });

/** GETs a path in another form than plain JSON: a Table, a discovery document. */
export async function requestAs(
  client: RemoteClient,
  path: string,
  accept: string,
): Promise<unknown> {
  const stream = await client.streamRequest('GET', path, undefined, { headers: { accept } });
  return JSON.parse(await text(stream));
}
