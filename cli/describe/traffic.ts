/** The descriptions of Ingresses and network policies. */
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { endpointSlices, services } from '#api/resources/resource-types.ts';
import type { Subject } from './describe.ts';
import { endpointsText } from './service.ts';
import { selectorText, type Writer } from './writer.ts';

/** `web:80 (10.0.0.1:80)`. */
async function backendText({ client, object }: Subject, backend: JsonObject): Promise<string> {
  if (!isObject(backend['service'])) {
    const { apiGroup, kind, name } = objectOr(backend['resource']);
    return `APIGroup: ${apiGroup}, Kind: ${kind}, Name: ${name}`;
  }
  const { name, port } = backend['service'];
  const { number, name: portName } = objectOr(port);
  const target = `${name}:${number ?? portName}`;
  const { namespace = 'default' } = object.metadata;
  try {
    const service = await client
      .collection<KubeObject>(services)
      .get({ namespace, name: stringOr(name) });
    const labelSelector = `kubernetes.io/service-name=${name}`;
    const slices = await client
      .collection<KubeObject>(endpointSlices)
      .list({ namespace, labelSelector });
    const used = objectsOf(objectOr(service['spec'])['ports']).find((one) =>
      number === undefined ? one['name'] === portName : one['port'] === number,
    );
    return `${target} (${endpointsText(slices.items, stringOr(used?.['name']))})`;
  } catch (error) {
    return `${target} (<error: ${error instanceof Error ? error.message : error}>)`;
  }
}

function address({ object }: Subject): string {
  const { ingress } = objectOr(objectOr(object['status'])['loadBalancer']);
  return objectsOf(ingress)
    .map(({ ip, hostname }) => ip ?? hostname)
    .join(',');
}

export async function describeIngress(out: Writer, subject: Subject): Promise<void> {
  const { metadata } = subject.object;
  const spec = objectOr(subject.object['spec']);
  out.field(0, 'Name', metadata.name);
  out.labels('Labels', metadata.labels);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  out.field(0, 'Address', address(subject));
  out.field(0, 'Ingress Class', spec['ingressClassName'] ?? '<none>');
  const usual = isObject(spec['defaultBackend'])
    ? await backendText(subject, spec['defaultBackend'])
    : '<default>';
  out.field(0, 'Default backend', usual);
  const tls = objectsOf(spec['tls']);
  if (tls.length > 0) out.line(0, 'TLS:');
  for (const { secretName, hosts = [] } of tls) {
    const names = (hosts as string[]).join(',');
    out.line(1, secretName ? `${secretName} terminates ${names}` : `SNI routes ${names}`);
  }
  out.line(0, 'Rules:');
  out.line(1, 'Host\tPath\tBackends');
  out.line(1, '----\t----\t--------');
  const rules = objectsOf(spec['rules']).filter(({ http }) => isObject(http));
  for (const { host, http } of rules) {
    out.line(1, `${host || '*'}\t`);
    for (const { path = '', backend } of objectsOf(objectOr(http)['paths']))
      out.line(2, `\t${path} \t${await backendText(subject, objectOr(backend))}`);
  }
  if (rules.length === 0) out.line(1, `*\t*\t${usual}`);
  out.annotations('Annotations', metadata.annotations);
}

/** Time as Go writes it: `2006-01-02 15:04:05 +0000 UTC`. */
const goTime = (time: unknown): string =>
  `${new Date(String(time)).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;

function peer(out: Writer, title: string, one: JsonObject): void {
  out.line(2, `${title}:`);
  if (isObject(one['ipBlock'])) {
    const { cidr, except = [] } = one['ipBlock'];
    out.line(3, 'IPBlock:');
    out.line(4, `CIDR: ${cidr}`);
    out.line(4, `Except: ${(except as string[]).join(', ')}`);
    return;
  }
  for (const [name, field] of [
    ['NamespaceSelector', 'namespaceSelector'],
    ['PodSelector', 'podSelector'],
  ] as const)
    if (one[field] !== undefined) out.line(3, `${name}: ${selectorText(one[field])}`);
}

interface Direction {
  readonly allowed: string;
  readonly word: 'From' | 'To';
  readonly field: 'from' | 'to';
  readonly end: string;
}

function ruleLines(out: Writer, rules: readonly JsonObject[], direction: Direction): void {
  const { allowed, word, field, end } = direction;
  out.line(1, `Allowing ${allowed} traffic:`);
  if (rules.length === 0) {
    out.line(2, `<none> (Selected pods are isolated for ${allowed} connectivity)`);
  }
  for (const [i, rule] of rules.entries()) {
    const ports = objectsOf(rule['ports']);
    if (ports.length === 0) out.line(2, 'To Port: <any> (traffic allowed to all ports)');
    for (const { port, endPort, protocol = 'TCP' } of ports) {
      if (endPort !== undefined) out.line(2, `To Port Range: ${port}-${endPort}/${protocol}`);
      else out.line(2, `To Port: ${port ?? '<nil>'}/${protocol}`);
    }
    const peers = objectsOf(rule[field]);
    if (peers.length === 0) out.line(2, `${word}: <any> (traffic not restricted by ${end})`);
    for (const one of peers) peer(out, word, one);
    if (i < rules.length - 1) out.line(2, '----------');
  }
}

const ingressWords: Direction = { allowed: 'ingress', word: 'From', field: 'from', end: 'source' };
const egressWords: Direction = { allowed: 'egress', word: 'To', field: 'to', end: 'destination' };

export function describeNetworkPolicy(out: Writer, { object }: Subject): void {
  const { metadata } = object;
  const { podSelector, policyTypes = [], ingress, egress } = objectOr(object['spec']);
  const types = policyTypes as string[];
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  out.field(0, 'Created on', goTime(metadata.creationTimestamp));
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
  out.line(0, 'Spec:');
  const selected = selectorText(podSelector);
  const everyone = '<none> (Allowing the specific traffic to all pods in this namespace)';
  out.line(1, `PodSelector:     ${selected === '<none>' ? everyone : selected}`);
  if (types.includes('Ingress')) ruleLines(out, objectsOf(ingress), ingressWords);
  else out.line(1, 'Not affecting ingress traffic');
  if (types.includes('Egress')) ruleLines(out, objectsOf(egress), egressWords);
  else out.line(1, 'Not affecting egress traffic');
  out.line(1, `Policy Types: ${types.join(', ')}`);
}
