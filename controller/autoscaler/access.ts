/** What an autoscaler asks of the cluster beside the objects it watches: scales of any kind, and what pods use. */
import type { Client } from '#api/client/collection.ts';
import { milliValue } from '#api/resources/quantity.ts';
import { failure } from '#api/resources/status.ts';
import { type DiscoveredType, discover } from '#controller/runtime/discovery.ts';

export interface Scale {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number; readonly selector?: string };
}

export interface Target {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
}

/** What a pod's containers use, in thousandths: cpu in millis, memory in thousandths of bytes. */
export interface PodUse {
  readonly timeMs: number;
  readonly windowMs: number;
  /** By container, then by resource. */
  readonly containers: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** All reject with StatusError. */
export interface Access {
  scale(namespace: string, target: Target, signal: AbortSignal): Promise<Scale>;
  setScale(
    namespace: string,
    target: Target,
    change: { readonly scale: Scale; readonly replicas: number },
    signal: AbortSignal,
  ): Promise<void>;
  /** By pod name. */
  metrics(
    namespace: string,
    selector: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, PodUse>>;
}

interface PodMetrics {
  readonly metadata: { readonly name: string };
  readonly timestamp: string;
  readonly window: string;
  readonly containers: readonly {
    readonly name: string;
    readonly usage: Readonly<Record<string, string>>;
  }[];
}

/** Through the API: `/scale` of the target, `metrics.k8s.io` for its pods. */
export function remoteAccess(client: Client): Access {
  const known = new Map<string, DiscoveredType>();
  const typeOf = async ({ apiVersion = '', kind }: Target, signal: AbortSignal) => {
    const [first = '', second] = apiVersion.split('/');
    const group = second === undefined ? '' : first;
    const key = `${group}/${kind}`;
    if (!known.has(key)) {
      for (const type of await discover(client, signal)) {
        known.set(`${type.group}/${type.kind}`, type);
      }
    }
    const type = known.get(key);
    if (type !== undefined) return type;
    const what = `no matches for kind "${kind}" in group "${group}"`;
    throw failure(404, 'NotFound', what);
  };
  const path = async (namespace: string, target: Target, signal: AbortSignal) => {
    const { group, version, plural } = await typeOf(target, signal);
    const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    return `${base}/namespaces/${namespace}/${plural}/${target.name}/scale`;
  };
  return {
    scale: async (namespace, target, signal) =>
      (await client.request(
        'GET',
        await path(namespace, target, signal),
        undefined,
        signal,
      )) as Scale,
    setScale: async (namespace, target, { scale, replicas }, signal) => {
      const body = { ...scale, spec: { ...scale.spec, replicas } };
      await client.request('PUT', await path(namespace, target, signal), body, signal);
    },
    metrics: async (namespace, selector, signal) => {
      const query = new URLSearchParams({ labelSelector: selector });
      const url = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods?${query}`;
      const list = (await client.request('GET', url, undefined, signal)) as {
        readonly items: readonly PodMetrics[];
      };
      return new Map(list.items.map((item) => [item.metadata.name, useOf(item)]));
    },
  };
}

function useOf({ timestamp, window, containers }: PodMetrics): PodUse {
  const seconds = /^([\d.]+)s$/.exec(window)?.[1];
  return {
    timeMs: Date.parse(timestamp),
    windowMs: seconds === undefined ? 0 : Number(seconds) * 1_000,
    containers: new Map(
      containers.map(({ name, usage }) => [
        name,
        new Map(Object.entries(usage).map(([resource, text]) => [resource, milliValue(text)])),
      ]),
    ),
  };
}
