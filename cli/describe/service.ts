/** The description of a Service. */
import { type JsonObject, numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { endpointSlices } from '#api/resources/resource-types.ts';
import type { Subject } from './describe.ts';
import { inline, type Writer } from './writer.ts';

const maxEndpoints = 3;

/** `10.0.0.1:80,10.0.0.2:80 + 3 more...`. */
export function endpointsText(slices: readonly KubeObject[], portName: string): string {
  if (slices.length === 0) return '<none>';
  const found = slices.flatMap((slice) =>
    objectsOf(slice['ports'])
      .filter(({ name }) => stringOr(name) === portName)
      .flatMap(({ port }) =>
        objectsOf(slice['endpoints']).flatMap((endpoint) => {
          const { ready } = objectOr(endpoint['conditions']);
          if (ready === false) return [];
          return (endpoint['addresses'] as string[]).map((address) =>
            address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
          );
        }),
      ),
  );
  if (found.length === 0) return '';
  const more = found.length > maxEndpoints ? ` + ${found.length - maxEndpoints} more...` : '';
  return `${found.slice(0, maxEndpoints).join(',')}${more}`;
}

function port(out: Writer, one: JsonObject, slices: readonly KubeObject[]): void {
  const { name, protocol, targetPort, nodePort, port: number } = one;
  const shownName = stringOr(name) || '<unset>';
  out.field(0, 'Port', `${shownName}\t${number}/${protocol}`);
  out.field(0, 'TargetPort', `${targetPort ?? 0}/${protocol}`);
  if (numberOr(nodePort) !== 0) out.field(0, 'NodePort', `${shownName}\t${nodePort}/${protocol}`);
  out.field(0, 'Endpoints', endpointsText(slices, stringOr(name)));
}

const joined = (list: unknown): string =>
  Array.isArray(list) && list.length > 0 ? list.join(',') : '';

export async function describeService(out: Writer, { client, object }: Subject): Promise<void> {
  const { name, namespace = 'default', labels, annotations } = object.metadata;
  const spec = objectOr(object['spec']);
  const { items } = await client.collection<KubeObject>(endpointSlices).list({
    namespace,
    labelSelector: `kubernetes.io/service-name=${name}`,
  });
  out.field(0, 'Name', name);
  out.field(0, 'Namespace', namespace);
  out.labels('Labels', labels);
  out.annotations('Annotations', annotations);
  out.field(0, 'Selector', inline(spec['selector']));
  out.field(0, 'Type', stringOr(spec['type']));
  out.optional(0, 'IP Family Policy', spec['ipFamilyPolicy']);
  out.field(0, 'IP Families', joined(spec['ipFamilies']) || '<none>');
  out.field(0, 'IP', stringOr(spec['clusterIP']));
  out.field(0, 'IPs', joined(spec['clusterIPs']) || '<none>');
  out.optional(0, 'External IPs', joined(spec['externalIPs']));
  out.optional(0, 'Desired LoadBalancer IP', spec['loadBalancerIP']);
  out.optional(0, 'External Name', spec['externalName']);
  const ingress = objectsOf(objectOr(objectOr(object['status'])['loadBalancer'])['ingress']);
  out.optional(
    0,
    'LoadBalancer Ingress',
    ingress.map(({ ip, hostname }) => ip ?? hostname).join(', '),
  );
  for (const one of objectsOf(spec['ports'])) port(out, one, items);
  out.field(0, 'Session Affinity', stringOr(spec['sessionAffinity']));
  out.optional(0, 'External Traffic Policy', spec['externalTrafficPolicy']);
  out.optional(0, 'Internal Traffic Policy', spec['internalTrafficPolicy']);
  out.optional(0, 'Traffic Distribution', spec['trafficDistribution']);
  if (numberOr(spec['healthCheckNodePort']) !== 0) {
    out.field(0, 'HealthCheck NodePort', spec['healthCheckNodePort']);
  }
  out.optional(0, 'LoadBalancer Source Ranges', joined(spec['loadBalancerSourceRanges']));
}
