/** Pods on a real node: what the tests of the profile that need a kubelet run on. One cluster for all tests of a file. */
import t from 'tap';
import { connect, type RemoteClient } from '#api/client/client.ts';
import { StatusError } from '#api/resources/status.ts';
import type { Pod } from '#api/resources/types.ts';
import { TestCluster, waitFor } from '../support/cluster.ts';

export const image = 'bayplan.local/busybox:latest';
// biome-ignore lint/suspicious/noExplicitAny: tests look into documents of every shape.
type Json = any;
export type Tap = Pick<typeof t, 'equal' | 'match' | 'not' | 'notMatch' | 'ok' | 'strictSame'>;

/** A second's work on a machine of one's own can take long on one that is shared by many. */
const patienceMs = 100_000;

export interface Ended {
  readonly pod: Pod;
  /** What the first container wrote. */
  readonly logs: string;
}

export class RealRig {
  readonly cluster: TestCluster;
  readonly client: RemoteClient;
  readonly namespace = 'default';
  #names = 0;

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
    this.client = connect({ kubeconfig: cluster.kubeconfig });
  }

  /** A name that no other object of this cluster has. */
  name(of = 'one'): string {
    this.#names += 1;
    return `${of}-${this.#names}`;
  }

  request(method: string, path: string, body?: unknown): Promise<Json> {
    return this.client.request(method, path, body);
  }

  path(plural: string, name = '', namespace = this.namespace): string {
    return `/api/v1/namespaces/${namespace}/${plural}${name === '' ? '' : `/${name}`}`;
  }

  /** A ConfigMap or a Secret; resolves with its name. */
  async keep(
    plural: 'configmaps' | 'secrets',
    content: object,
    name = this.name(),
  ): Promise<string> {
    await this.request('POST', this.path(plural), { metadata: { name }, ...content });
    return name;
  }

  /** Reads it, changes it and writes it; again when somebody wrote in between. */
  async change(path: string, change: (object: Json) => void): Promise<void> {
    for (let tries = 0; ; tries++) {
      const object = await this.request('GET', path);
      change(object);
      try {
        await this.request('PUT', path, object);
        return;
      } catch (error) {
        if (!(error instanceof StatusError && error.code === 409) || tries === 20) throw error;
      }
    }
  }

  /** A pod with one container `main` of busybox, unless `spec` tells of others. */
  async make(main: object, spec: object = {}, metadata: object = {}): Promise<string> {
    const name = this.name('pod');
    await this.request('POST', this.path('pods'), {
      metadata: { name, ...metadata },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image, ...main }],
        ...spec,
      },
    });
    return name;
  }

  /** Asks until there is an answer. */
  wait<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
    return waitFor(what, ask, patienceMs);
  }

  /** Waits until the object is as `holds` says. */
  until(path: string, what: string, holds: (object: Json) => boolean): Promise<Json> {
    let last: Json = {};
    const look = async () => {
      last = await this.request('GET', path);
      return holds(last) ? last : undefined;
    };
    return waitFor(`${path}: ${what}`, look, patienceMs).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(last.status)}`);
    });
  }

  pod(name: string, what: string, holds: (pod: Pod) => boolean): Promise<Pod> {
    return this.until(this.path('pods', name), what, holds);
  }

  /** Waits until it is ready. */
  ready(name: string): Promise<Pod> {
    return this.pod(name, 'ready', ({ status }) =>
      (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True'),
    );
  }

  logs(name: string, container = 'main'): Promise<string> {
    return this.request('GET', `${this.path('pods', name)}/log?container=${container}`);
  }

  /** Waits until what the container wrote is as the pattern says. */
  written(name: string, pattern: RegExp, container = 'main'): Promise<string> {
    return waitFor(
      `${name} to write ${pattern}`,
      async () => {
        const text = await this.logs(name, container).catch(() => '');
        return pattern.test(text) ? text : undefined;
      },
      patienceMs,
    );
  }

  /** Runs a pod to its end. */
  async ended(main: object, spec: object = {}, metadata: object = {}): Promise<Ended> {
    const name = await this.make(main, spec, metadata);
    const pod = await this.pod(name, 'ended', ({ status }) =>
      ['Succeeded', 'Failed'].includes(status?.phase ?? ''),
    );
    return { pod, logs: await this.logs(name, pod.spec?.containers[0]?.name) };
  }

  /** What a shell in the pod writes that runs `script`. */
  async exec(name: string, script: string, container = 'main'): Promise<string> {
    const words = [name, '-c', container, '--', 'sh', '-c', script];
    const { stdout, stderr } = await this.cluster.kubectlExec(...words);
    return stdout + stderr;
  }
}

/** A container that runs a shell's script. */
export const shell = (script: string, more: object = {}) => ({
  command: ['sh', '-c', script],
  ...more,
});

/** Starts the cluster, as `bay up` with these words; `test` runs its tests several at a time. */
export async function startRealRig(...up: string[]): Promise<{
  readonly rig: RealRig;
  test(name: string, body: (t: Tap) => Promise<void>): void;
}> {
  t.setTimeout(250_000);
  t.jobs = 6;
  const cluster = await TestCluster.create();
  t.teardown(() => cluster.destroy());
  await cluster.up(...up);
  const rig = new RealRig(cluster);
  t.teardown(() => rig.client.close());
  return {
    rig,
    test: (name, body) => {
      t.test(name, { buffered: true, timeout: 240_000 }, async (t) => body(t));
    },
  };
}
