/** `bay create service clusterip|nodeport|loadbalancer|externalname`. */
import { services } from '#api/resources/resource-types.ts';
import { UsageError } from '../arguments.ts';
import { integerOf } from '../documents/flags.ts';
import { type CreateKind, type Draft, kindOf, listOf } from './kind.ts';

function portOf(text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`parsing "${text}": invalid syntax`);
  const port = Number(text);
  if (port > 65535) throw new UsageError(`parsing "${text}": value out of range`);
  return port;
}

/** A number, or the name of a container's port. */
function targetOf(text: string): number | string {
  if (/^\d+$/.test(text)) {
    const port = Number(text);
    if (port >= 1 && port <= 65535) return port;
    throw new UsageError('must be between 1 and 65535, inclusive');
  }
  if (/^[a-z0-9-]+$/.test(text)) return text;
  throw new UsageError('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
}

/** `PORT[:TARGET]`. */
function pairOf(text: string, nodePort: number) {
  const [first = '', second] = text.split(':');
  const port = portOf(first);
  const targetPort = second === undefined ? port : targetOf(second);
  const name = text.replaceAll(':', '-');
  return { name, port, targetPort, protocol: 'TCP', ...(nodePort > 0 ? { nodePort } : {}) };
}

interface ServiceLine {
  readonly name: string;
  readonly type: string;
  readonly tcp: readonly string[] | undefined;
  readonly nodePort?: number;
  readonly more?: Readonly<Record<string, string>>;
  /** A service without ports is one, too. */
  readonly portless?: boolean;
}

function serviceOf(line: ServiceLine): Draft {
  const { name, type, nodePort = 0, more = {}, portless = false } = line;
  const ports = listOf(line.tcp).map((text) => pairOf(text, nodePort));
  if (ports.length === 0 && !portless) {
    throw new UsageError('at least one tcp port specifier must be provided');
  }
  const app = { app: name };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: app },
    spec: { ...more, ...(ports.length === 0 ? {} : { ports }), selector: app, type },
  };
}

const tcp = { tcp: { type: 'string', multiple: true } } as const;

/** The words after `bay create service`. */
export const serviceKinds: Readonly<Record<string, CreateKind>> = {
  clusterip: kindOf({
    type: services,
    flags: { ...tcp, clusterip: { type: 'string' } },
    make: ({ name, values: { tcp: pairs, clusterip = '' } }) =>
      serviceOf({
        name,
        type: 'ClusterIP',
        tcp: pairs,
        portless: clusterip === 'None',
        ...(clusterip === '' ? {} : { more: { clusterIP: clusterip } }),
      }),
  }),
  nodeport: kindOf({
    type: services,
    flags: { ...tcp, 'node-port': { type: 'string' } },
    make: ({ name, values: { tcp: pairs, 'node-port': port = '0' } }) =>
      serviceOf({ name, type: 'NodePort', tcp: pairs, nodePort: integerOf(port, '--node-port') }),
  }),
  loadbalancer: kindOf({
    type: services,
    flags: tcp,
    make: ({ name, values }) => serviceOf({ name, type: 'LoadBalancer', tcp: values.tcp }),
  }),
  externalname: kindOf({
    type: services,
    flags: { ...tcp, 'external-name': { type: 'string' } },
    required: ['external-name'],
    make({ name, values: { tcp: pairs, 'external-name': externalName = '' } }) {
      if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(externalName)) {
        throw new UsageError(`invalid service external name ${externalName}`);
      }
      const more = { externalName };
      return serviceOf({ name, type: 'ExternalName', tcp: pairs, more, portless: true });
    },
  }),
};
