/** The GitSync controller with a real API server (server-side apply, discovery, CRDs), and what tests ask it. */
import { resolve } from 'node:path';
import t from 'tap';
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { configMaps, namespaces } from '#api/resources/resource-types.ts';
import { definitionsController } from '#controller/crds/install.ts';
import { gitSyncController } from '#controller/git-sync/controller.ts';
import { SourceReader } from '#controller/git-sync/source/reader.ts';
import { type GitSync, gitSyncs } from '#controller/git-sync/types.ts';
import { runControllers } from '#controller/runtime/world.ts';
import { startTestServer } from '../../support/api-server.ts';
import { waitFor } from '../../support/cluster.ts';
import { scratch } from '../../support/scratch.ts';

/** A new empty directory. */
export const folder = scratch('gitsync');
const server = await startTestServer();
const crds = resolve(import.meta.dirname, '../../../crds');
/** Where repositories are kept. */
export const mirrors = folder();
/** Runs that failed. */
export const failures: string[] = [];
const start = () => {
  const client = server.client();
  const reader = () => new SourceReader(client, mirrors);
  return runControllers(client, [definitionsController(crds), gitSyncController(reader)]).subscribe(
    ({ key, error }) => error !== undefined && failures.push(`${key}: ${error}`),
  );
};
let running = start();
/** Ends the controllers, does the work, and starts others with empty memories. */
export async function restarted(work: () => Promise<unknown>): Promise<void> {
  running.unsubscribe();
  await work();
  running = start();
}
t.teardown(async () => {
  running.unsubscribe();
  await server.close();
});
/** An administrator. */
export const client: RemoteClient = server.client();
/** GitSyncs. */
export const all = client.collection<GitSync>(gitSyncs);
await waitFor('the kind to be served', () => all.list().catch(() => undefined));
await client
  .collection(namespaces)
  .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } })
  .catch(() => undefined);

/** A ConfigMap as a document. */
export const map = (name: string, value: string, more = '') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}${more}}\ndata: {key: "${value}"}\n`;

interface Map extends ApiObject {
  data?: Record<string, string>;
}
/** ConfigMaps. */
export const maps = client.collection<Map>(configMaps);
/** The value in a ConfigMap. */
export const dataOf = (name: string, namespace = 'default') =>
  maps.get({ namespace, name }).then(
    ({ data }) => data?.['key'],
    () => undefined,
  );
/** Waits for the value of the ConfigMap; undefined: for its end. */
export const until = (name: string, value: string | undefined, namespace = 'default') =>
  waitFor(`${name} to be ${value}`, async () =>
    (await dataOf(name, namespace)) === value ? true : undefined,
  );
/** Makes a GitSync. */
export const make = (name: string, spec: GitSync['spec']) =>
  all.create({
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'GitSync',
    metadata: { name, namespace: 'default' },
    spec,
  });
/** What the GitSync says of itself. */
export const condition = async (name: string, type: string) =>
  (await all.get({ namespace: 'default', name })).status?.conditions?.find((c) => c.type === type);
/** Waits for the condition to have the reason. */
export const says = (name: string, type: string, reason: string) =>
  waitFor(`${name} to say ${type} ${reason}`, async () => {
    const found = await condition(name, type);
    return found?.reason === reason ? found : undefined;
  }).catch(async (error) => {
    const { status } = await all.get({ namespace: 'default', name });
    throw new Error(`${error.message}: ${JSON.stringify(status)}; ${failures.slice(-3)}`);
  });
/** Deletes the GitSync and waits until it has gone. */
export const remove = async (name: string) => {
  await all.delete({ namespace: 'default', name });
  await waitFor(`${name} to go`, async () => {
    const gone = await all.get({ namespace: 'default', name }).catch(() => 'gone');
    return gone === 'gone' ? true : undefined;
  });
};
