/** The requests of this folder's tests, asked of a cluster whose controllers are real and whose nodes are played. */
import type { Controller } from '#controller/runtime/world.ts';
import { waitFor } from '../support/cluster.ts';
import { type Behaviour, startPlayedCluster } from '../support/played-cluster.ts';
import { type Api, apiOf } from './client.ts';

export interface PlayedApi extends Api {
  /** Makes a namespace; gives its path. */
  namespace(name: string): Promise<string>;
  /** Asks until the answer of the path is good; then gives it. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every shape.
  until(path: string, good: (answer: any, status: number) => boolean): Promise<any>;
  /** From now on the pods of this name behave so. */
  behave(name: string, behaviour: Behaviour): Promise<void>;
  close(): Promise<void>;
}

/** Nodes have two CPUs each. */
export async function startPlayedApi(
  controllers: readonly Controller[],
  nodes: readonly string[] = ['n1'],
): Promise<PlayedApi> {
  const cluster = await startPlayedCluster(controllers, { nodes });
  const api = apiOf(cluster.server);
  const amounts = { cpu: '2', memory: '4Gi', pods: '110' };
  for (const name of nodes) {
    const status = { capacity: amounts, allocatable: amounts };
    await api.patch(`/api/v1/nodes/${name}/status`, { status });
  }
  return {
    ...api,
    namespace: async (name) => {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      await api.post('/api/v1/namespaces', namespace);
      return `/api/v1/namespaces/${name}`;
    },
    until: (path, good) =>
      waitFor(path, async () => {
        const { json, status } = await api.get(path);
        return good(json, status) ? json : undefined;
      }),
    behave: async (name, behaviour) => {
      const others = cluster.behave;
      cluster.behave = (pod) => (pod.metadata.name === name ? behaviour : others(pod));
      await cluster.replay();
    },
    close: () => cluster.close(),
  };
}
