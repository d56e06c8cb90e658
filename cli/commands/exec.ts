/** `bay exec`. */
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { clientOptions, parse, parseLeading, UsageError } from '../arguments.ts';
import { openClient } from '../connection.ts';
import { keyBytes, usualDetachKeys } from '../detach-keys.ts';
import { tryFindContainer } from '../find-container.ts';
import { environment } from '../run/process.ts';
import { detachedCode, runSession } from '../session.ts';
import { findTarget, podPath } from '../target.ts';

const options = {
  ...clientOptions,
  container: { type: 'string', short: 'c' },
  interactive: { type: 'boolean', short: 'i' },
  tty: { type: 'boolean', short: 't' },
  'detach-keys': { type: 'string' },
  detach: { type: 'boolean', short: 'd' },
  env: { type: 'string', short: 'e', multiple: true },
  'env-file': { type: 'string', multiple: true },
  user: { type: 'string', short: 'u' },
  workdir: { type: 'string', short: 'w' },
  privileged: { type: 'boolean' },
} as const;

/**
 * docker's order, flags first: `exec -it web sh -c x`; or kubectl's, where all before `--` is a flag or the one name:
 * `exec web -c side -- sh -c x`.
 */
function parsed(args: readonly string[]) {
  const end = args.indexOf('--');
  const docker = () => parseLeading(args, options, 1);
  if (end < 0) return docker();
  try {
    const { values, positionals } = parse(args.slice(0, end), options);
    return positionals.length === 1 ? { values, positionals, rest: args.slice(end + 1) } : docker();
  } catch {
    return docker();
  }
}

type Values = ReturnType<typeof parseLeading<typeof options>>['values'];

/** What only a Container's exec knows. */
function ownQuery(values: Values): URLSearchParams {
  const query = new URLSearchParams();
  if (values.detach === true) query.set('detach', 'true');
  if (values.privileged === true) query.set('privileged', 'true');
  if (values.user !== undefined) query.set('user', values.user);
  if (values.workdir !== undefined) query.set('workdir', values.workdir);
  for (const { name, value } of environment(values)) query.append('env', `${name}=${value}`);
  return query;
}

/** @throws UsageError when a Pod is asked for what only Containers know */
async function pathOf(
  client: RemoteClient,
  name: string,
  values: Values,
  query: URLSearchParams,
): Promise<string> {
  const namespace = values.namespace ?? 'default';
  const own = ownQuery(values);
  if (own.size === 0) {
    return podPath(await findTarget(client, name, namespace, values.container), 'exec', query);
  }
  const found = await tryFindContainer(client, name.replace(/^containers?\//, ''), namespace);
  if (found === undefined || values.container !== undefined) {
    // One that is not there at all is told as what it is.
    if (found === undefined) await findTarget(client, name, namespace);
    const flags = '-d, -e, --env-file, -u, -w and --privileged';
    throw new UsageError(
      `${name}: ${flags} are for containers of bay run; a Pod knows none of them`,
    );
  }
  const all = new URLSearchParams([...query, ...own]);
  return `/apis/bayplan.dev/v1alpha1/namespaces/${namespace}/containers/${found.metadata.name}/exec?${all}`;
}

/** What is not found in a container that is there is the running one. @throws Error in docker's words */
async function refuseStopped(client: RemoteClient, text: string, namespace = 'default') {
  const name = text.replace(/^containers?\//, '');
  if (name.includes('/')) return;
  const found = await tryFindContainer(client, name, namespace);
  if (found === undefined || found.status?.phase === 'running') return;
  throw new Error(`Container ${name} is not running: 'bay start ${name}' starts it`);
}

/** The exit code is the command's own; 0 after the detach keys, and detached when it runs. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals, rest } = parsed(args);
  const [name] = positionals;
  if (name === undefined) throw new UsageError('name the container: bay exec NAME COMMAND');
  if (rest.length === 0) throw new UsageError(`say what to run in ${name}: bay exec ${name} ls`);
  const isDetached = values.detach === true;
  const tty = values.tty === true && !isDetached;
  const stdin = values.interactive === true && !isDetached;
  const detachKeys = keyBytes(values['detach-keys'] ?? usualDetachKeys);
  const query = new URLSearchParams({ stdout: 'true', stderr: String(!tty) });
  query.set('stdin', String(stdin));
  query.set('tty', String(tty));
  for (const word of rest) query.append('command', word);
  // `--user` is the container's.
  const client = await openClient({ ...values, user: undefined });
  try {
    const path = await pathOf(client, name, values, query);
    const code = await runSession(client.credentials, path, { stdin, tty, detachKeys });
    return code === detachedCode ? 0 : code;
  } catch (error) {
    if (hasReason(error, 'NotFound') || hasReason(error, 'Conflict'))
      await refuseStopped(client, name, values.namespace);
    throw error;
  } finally {
    client.close();
  }
}
