/** `metrics.k8s.io`: what nodes and pods use, measured when somebody asks. */

import type { KubeObject } from '#api/resources/meta.ts';
import { apiVersionOf } from '#api/resources/meta.ts';
import { matchesLabels, parseLabelSelector } from '#api/resources/selector.ts';
import { failure, notFound } from '#api/resources/status.ts';
import type { Kind } from '../schema/kind.ts';
import type { NodeUsage, Used } from '../usage/usage.ts';
import { type ApiContext, type ApiRequest, objectAnswer, type Verb } from './request.ts';
import { attempt } from './task.ts';

/** As metrics-server writes them. */
const quantities = ({ cpuNanos, memoryBytes }: Used) => ({
  cpu: `${cpuNanos}n`,
  memory: `${Math.ceil(memoryBytes / 1024)}Ki`,
});

interface Measured {
  readonly namespace?: string;
  readonly name: string;
  /** The measured object's own key. */
  readonly key: string;
  readonly usage: NodeUsage;
  readonly fields: object;
}

function measured(kind: Kind, all: readonly NodeUsage[]): Measured[] {
  if (kind.kind === 'NodeMetrics') {
    return all.flatMap((usage) => {
      const { node: name, used } = usage;
      if (used === undefined) return [];
      const key = `/registry/minions/${name}`;
      return [{ name, key, usage, fields: { usage: quantities(used) } }];
    });
  }
  return all.flatMap((usage) =>
    usage.pods.map(({ namespace, name, containers }) => ({
      namespace,
      name,
      key: `/registry/pods/${namespace}/${name}`,
      usage,
      fields: {
        containers: containers.map((one) => ({ name: one.name, usage: quantities(one) })),
      },
    })),
  );
}

function objectOf(kind: Kind, one: Measured, { cache }: ApiContext): KubeObject | undefined {
  const { name, namespace, usage, fields } = one;
  // Gone since it was measured, or not yet told.
  const held = cache.get(one.key);
  if (held === undefined) return undefined;
  const timestamp = `${new Date(usage.timeMs).toISOString().slice(0, 19)}Z`;
  const labels = Object.keys(held.labels).length > 0 ? { labels: held.labels } : {};
  const place = namespace === undefined ? { name } : { name, namespace };
  return {
    kind: kind.kind,
    apiVersion: apiVersionOf(kind),
    metadata: { ...place, creationTimestamp: timestamp, ...labels },
    timestamp,
    window: `${(usage.windowMs / 1000).toFixed(3)}s`,
    ...fields,
  } as KubeObject;
}

/** GET and LIST. 404 for what nobody has measured, 503 while no node can be asked. */
export const usage: Verb = (request: ApiRequest, context: ApiContext) =>
  attempt(async () => {
    const { kind, namespace, name, query } = request;
    if (context.usage === undefined) {
      throw failure(503, 'ServiceUnavailable', 'the nodes cannot be asked yet');
    }
    const wanted = parseLabelSelector(query.get('labelSelector') ?? '');
    const found = measured(kind, await context.usage())
      .filter((one) => namespace === undefined || one.namespace === namespace)
      .filter((one) => name === undefined || one.name === name)
      .map((one) => objectOf(kind, one, context))
      .filter((one) => one !== undefined)
      .filter((one) => matchesLabels(wanted, one.metadata.labels ?? {}));
    if (name === undefined) {
      const list = {
        kind: kind.listKind,
        apiVersion: apiVersionOf(kind),
        metadata: {},
        items: found,
      };
      return objectAnswer(kind, list as unknown as KubeObject);
    }
    const [one] = found;
    if (one === undefined) throw notFound(kind, name);
    return objectAnswer(kind, one);
  });
