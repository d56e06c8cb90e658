/** What the tests of workloads say and wait for. */
import t from 'tap';
import type { ApiObject, Collection } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';
import { controllerRevisions, namespaces, pods } from '#api/resources/resource-types.ts';
import { StatusError } from '#api/resources/status.ts';
import type { ControllerRevision, Namespace, Pod } from '#api/resources/types.ts';
import type { Controller } from '#controller/runtime/world.ts';
import { waitFor } from '../support/cluster.ts';
import {
  type PlayedCluster,
  type PlayedOptions,
  startPlayedCluster,
} from '../support/played-cluster.ts';

export interface Rig {
  readonly cluster: PlayedCluster;
  /** A namespace of the test's own, and what is in it. */
  space(name: string): Promise<Space>;
}

type Spec = Record<string, unknown>;

/** A second's work on a machine of one's own can take long on one that is shared by many. */
const patienceMs = 100_000;

export class Space {
  readonly namespace: string;
  readonly #cluster: PlayedCluster;

  constructor(cluster: PlayedCluster, namespace: string) {
    this.#cluster = cluster;
    this.namespace = namespace;
  }

  of<T extends ApiObject>(type: ResourceType): Collection<T> {
    return this.#cluster.client.collection<T>(type);
  }

  ref(name: string): { name: string; namespace: string } {
    return { name, namespace: this.namespace };
  }

  /** A workload with a template of one container, labelled and selected by its name. */
  async create<T extends ApiObject>(type: ResourceType, name: string, spec: Spec = {}): Promise<T> {
    const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
    const metadata = { name, namespace: this.namespace, labels: { app: name } };
    const object = { apiVersion, kind: type.kind, metadata, spec };
    return this.of<T>(type).create(object as unknown as T);
  }

  get<T extends ApiObject>(type: ResourceType, name: string): Promise<T> {
    return this.of<T>(type).get(this.ref(name));
  }

  patch<T extends ApiObject>(type: ResourceType, name: string, patch: object): Promise<T> {
    return this.of<T>(type).patch(this.ref(name), patch, 'strategic');
  }

  /** Reads, changes and puts; again when a controller wrote in between, as the profile's own tests do. */
  update<T extends ApiObject>(
    type: ResourceType,
    name: string,
    change: (object: T) => void,
  ): Promise<T> {
    return untilNoConflict(async () => {
      const object = await this.get<T>(type, name);
      change(object);
      return this.of<T>(type).update(object);
    });
  }

  /** The number of replicas, through a workload's `scale`; resolves with the Scale as it was. */
  scale(path: string, replicas: number): Promise<Scale> {
    const { client } = this.#cluster;
    return untilNoConflict(async () => {
      const before = (await client.request('GET', `${path}/scale`)) as Scale;
      await client.request('PUT', `${path}/scale`, { ...before, spec: { replicas } });
      return before;
    });
  }

  /** Pods that are not being deleted, by name. */
  async pods(app?: string): Promise<Pod[]> {
    const labelSelector = app === undefined ? {} : { labelSelector: `app=${app}` };
    const { items } = await this.of<Pod>(pods).list({
      namespace: this.namespace,
      ...labelSelector,
    });
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  async revisions(): Promise<ControllerRevision[]> {
    const { items } = await this.of<ControllerRevision>(controllerRevisions).list({
      namespace: this.namespace,
    });
    return [...items].sort((a, b) => Number(a.revision) - Number(b.revision));
  }

  /** Waits until what `ask` finds is as `holds` says. */
  until<T>(what: string, ask: () => Promise<T>, holds: (found: T) => boolean): Promise<T> {
    const look = async () => {
      const found = await ask();
      return holds(found) ? { found } : undefined;
    };
    return waitFor(what, look, patienceMs).then(({ found }) => found);
  }

  /** Waits until the object is as `holds` says. */
  object<T extends ApiObject>(
    type: ResourceType,
    name: string,
    what: string,
    holds: (object: T) => boolean,
  ): Promise<T> {
    return this.until(`${type.kind} ${name}: ${what}`, () => this.get<T>(type, name), holds);
  }
}

interface Scale {
  readonly kind: string;
  readonly spec: { readonly replicas: number };
  readonly status: { readonly replicas: number; readonly selector: string };
}

async function untilNoConflict<T>(write: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof StatusError && error.code === 409) || tries === 20) throw error;
    }
  }
}

export const template = (app: string, image = 'busybox', podSpec = {}, labels = {}) => ({
  metadata: { labels: { app, ...labels } },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image }], ...podSpec },
});

/** `spec` of the kinds of apps/v1. */
export const lasting = (app: string, more: Spec = {}, image = 'busybox'): Spec => ({
  selector: { matchLabels: { app } },
  template: template(app, image),
  ...more,
});

export const imaged = (image: string) => ({
  spec: { template: { spec: { containers: [{ name: 'main', image }] } } },
});

export const imagesOf = (found: readonly Pod[]): (string | undefined)[] =>
  found.map(({ spec }) => spec?.containers[0]?.image);

export const namesOf = (found: readonly ApiObject[]): string[] =>
  found.map(({ metadata }) => metadata.name);

export async function startRig(
  controllers: readonly Controller[],
  options: PlayedOptions = {},
): Promise<Rig> {
  t.setTimeout(250_000);
  const cluster = await startPlayedCluster(controllers, options);
  t.teardown(() => cluster.close());
  return {
    cluster,
    space: async (name) => {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      await cluster.client.collection<Namespace>(namespaces).create(namespace);
      return new Space(cluster, name);
    },
  };
}
