/** Gives every namespace what pods rely on: the ServiceAccount `default` and the cluster's CA in a ConfigMap. */
import type { ApiObject, Collection } from '#api/client/collection.ts';
import { configMaps, namespaces, serviceAccounts } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import type { ConfigMap, Namespace, ServiceAccount } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { type Outcome, reconcileKeys, settled } from '#controller/runtime/reconcile.ts';
import { mappedKeys, selfKeys, whenSynced } from '#controller/runtime/triggers.ts';
import type { Controller, World } from '#controller/runtime/world.ts';
import { inTerminatingNamespace } from '#controller/runtime/write.ts';
import { plan } from './plan.ts';

const accountName = 'default';
const configMapName = 'kube-root-ca.crt';

class NamespaceFurniture {
  readonly #world: World;
  readonly #ca: string;
  readonly namespaces: Cache<Namespace>;
  readonly accounts: Cache<ServiceAccount>;
  readonly configMaps: Cache<ConfigMap>;

  constructor(world: World, ca: string) {
    this.#world = world;
    this.#ca = ca;
    this.namespaces = world.cache<Namespace>(namespaces);
    const named = (name: string) => ({ fieldSelector: `metadata.name=${name}` });
    this.accounts = world.follow<ServiceAccount>(serviceAccounts, named(accountName));
    this.configMaps = world.follow<ConfigMap>(configMaps, named(configMapName));
  }

  async reconcile(name: string, signal: AbortSignal): Promise<Outcome> {
    const wanted = plan({
      namespace: this.namespaces.get(name),
      account: this.accounts.get(`${name}/${accountName}`),
      configMap: this.configMaps.get(`${name}/${configMapName}`),
      ca: this.#ca,
    });
    const accounts = this.#world.collection<ServiceAccount>(serviceAccounts);
    const maps = this.#world.collection<ConfigMap>(configMaps);
    const { account, configMap } = wanted;
    const actions: string[] = [];
    if (account !== undefined) {
      actions.push(await made(accounts, this.accounts, account, signal));
    }
    if (configMap !== undefined) {
      actions.push(await made(maps, this.configMaps, configMap, signal));
    }
    return settled(...actions);
  }
}

/** Creates the object, or updates it if it carries a version. */
async function made<T extends ApiObject>(
  collection: Collection<T>,
  cache: Cache<T>,
  object: T,
  signal: AbortSignal,
): Promise<string> {
  const isNew = object.metadata.resourceVersion === undefined;
  const name = `${object.kind} ${object.metadata.name}`;
  try {
    const write = isNew ? collection.create : collection.update;
    cache.put(await write.call(collection, object, signal));
    return `${isNew ? 'create' : 'update'} ${name}`;
  } catch (error) {
    // Made by another, or the namespace is on its way out: the watch tells.
    const late = ['AlreadyExists', 'NotFound'].some((reason) => hasReason(error, reason));
    if (late || inTerminatingNamespace(error)) return `found ${name}`;
    throw error;
  }
}

/** `ca`: the PEM text of the cluster's CA. */
export const serviceAccountController = (ca: string): Controller => ({
  name: 'serviceaccount',
  run: (world) => {
    const all = new NamespaceFurniture(world, ca);
    const namespaceOf = ({ metadata }: ApiObject) => [metadata.namespace ?? ''];
    const keys$ = whenSynced(
      [all.namespaces, all.accounts, all.configMaps],
      selfKeys(all.namespaces.changes),
      mappedKeys(all.accounts.changes, namespaceOf),
      mappedKeys(all.configMaps.changes, namespaceOf),
    );
    const { clock } = world;
    return reconcileKeys(keys$, (name, signal) => all.reconcile(name, signal), { clock });
  },
});
