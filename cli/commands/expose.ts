/** `bay expose`: a Service for the pods of a workload, a pod, or another Service. */
import { objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { services } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { listOf } from '../create/kind.ts';
import { changeEach, changeFlags, createBeside } from '../documents/change.ts';
import { parseFlags, type Values } from '../documents/flags.ts';

const text = { type: 'string' } as const;
/** `--name` and `--selector` are the Service's, as kubectl has them. */
const flags = {
  ...changeFlags,
  selector: text,
  labels: { type: 'string', short: 'l' },
  port: text,
  'target-port': text,
  protocol: text,
  type: text,
  'cluster-ip': text,
  'external-ip': text,
  'load-balancer-ip': text,
  'session-affinity': text,
} as const;

type Line = Values<typeof flags>;
type Labels = Readonly<Record<string, string>>;

const exposable = ['Pod', 'Service', 'ReplicationController', 'Deployment', 'ReplicaSet'];

/** `a=b,c=d`. */
function labelsOf(text: string): Labels {
  const pairs = listOf([text]).map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new UsageError(`unexpected label spec '${pair}': write KEY=VALUE`);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

/** The labels by which the object's pods are found. @throws Error in kubectl's words */
function selectorOf({ kind, metadata, spec: parts }: KubeObject & { spec?: unknown }): Labels {
  const spec = objectOr(parts);
  if (kind === 'Pod') {
    const labels = metadata.labels ?? {};
    if (Object.keys(labels).length > 0) return labels;
    throw new Error('the pod has no labels and cannot be exposed');
  }
  const isPlain = kind === 'Service' || kind === 'ReplicationController';
  const selector = objectOr(spec['selector']);
  if (!isPlain && objectsOf(selector['matchExpressions']).length > 0) {
    throw new Error(
      `${kind} ${metadata.name}: couldn't convert expressions to map-based selector format: give --selector`,
    );
  }
  const labels = (isPlain ? selector : objectOr(selector['matchLabels'])) as Labels;
  if (Object.keys(labels).length > 0) return labels;
  throw new Error(`the ${kind.toLowerCase()} has no pod selector set`);
}

interface Port {
  readonly port: number;
  readonly protocol: string;
}

/** The ports that the object's containers, or the Service itself, name. */
function portsOf({ kind, spec: parts }: KubeObject & { spec?: unknown }): Port[] {
  const spec = objectOr(parts);
  const pod = kind === 'Pod' ? spec : objectOr(objectOr(spec['template'])['spec']);
  const named =
    kind === 'Service'
      ? objectsOf(spec['ports']).map((one) => ({ ...one, containerPort: one['port'] }))
      : objectsOf(pod['containers']).flatMap(({ ports }) => objectsOf(ports));
  return named.map((one) => ({
    port: Number((one as { containerPort?: unknown }).containerPort),
    protocol: stringOr((one as { protocol?: unknown }).protocol) || 'TCP',
  }));
}

function servicePorts(object: KubeObject, values: Line): object[] {
  const own = portsOf(object);
  const numbers =
    values.port === undefined
      ? own.map(({ port }) => port)
      : listOf([values.port]).map((word) => {
          if (/^\d+$/.test(word)) return Number(word);
          throw new UsageError(`--port '${word}': a number from 1 to 65535`);
        });
  if (numbers.length === 0) {
    throw new Error("couldn't find port via --port flag or introspection");
  }
  return numbers.map((port, index) => {
    const target = values['target-port'];
    const protocol = values.protocol ?? own.find((one) => one.port === port)?.protocol ?? 'TCP';
    const targetPort = target === undefined ? port : /^\d+$/.test(target) ? Number(target) : target;
    const name = numbers.length > 1 ? { name: `port-${index + 1}` } : {};
    return { ...name, protocol, port, targetPort };
  });
}

function serviceOf(object: KubeObject, values: Line): KubeObject {
  if (!exposable.includes(object.kind)) throw new Error(`cannot expose a ${object.kind}`);
  const labels = values.labels === undefined ? object.metadata.labels : labelsOf(values.labels);
  const selector = values.selector === undefined ? selectorOf(object) : labelsOf(values.selector);
  const external = values['external-ip'];
  const spec = {
    ports: servicePorts(object, values),
    selector,
    clusterIP: values['cluster-ip'],
    type: values.type,
    sessionAffinity: values['session-affinity'],
    externalIPs: external === undefined ? undefined : [external],
    loadBalancerIP: values.type === 'LoadBalancer' ? values['load-balancer-ip'] : undefined,
  };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      // DNS labels end there.
      name: values.name ?? object.metadata.name.slice(0, 63),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)),
  } as KubeObject;
}

/** `service/web exposed`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseFlags('expose', args, flags);
  const { name: _name, selector: _selector, ...own } = values;
  const isPlaced = values.namespace !== undefined;
  return changeEach('expose', own, words, (client, found, change) =>
    createBeside(
      client,
      services,
      serviceOf(found.object, values),
      { found, isPlaced, what: 'exposed' },
      change,
    ),
  );
}
