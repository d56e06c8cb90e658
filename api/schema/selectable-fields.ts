/**
 * What field selectors may name beside metadata.name and metadata.namespace.
 * Source: AddFieldLabelConversionFunc calls in pkg/apis/<group>/<version>/conversion.go.
 */

const involved = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

const byKind = new Map<string, readonly string[]>([
  [
    '/Pod',
    [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'spec.hostNetwork',
      'status.phase',
      'status.podIP',
      'status.podIPs',
      'status.nominatedNodeName',
    ],
  ],
  [
    '/Event',
    [
      ...involved.map((field) => `involvedObject.${field}`),
      'reason',
      'reportingComponent',
      'source',
      'type',
    ],
  ],
  [
    'events.k8s.io/Event',
    [...involved.map((field) => `regarding.${field}`), 'reason', 'reportingController', 'type'],
  ],
  ['/Node', ['spec.unschedulable']],
  ['/Namespace', ['status.phase']],
  ['/Secret', ['type']],
  ['/Service', ['spec.clusterIP', 'spec.type']],
  ['/ReplicationController', ['status.replicas']],
  ['apps/ReplicaSet', ['status.replicas']],
  ['batch/Job', ['status.successful']],
  ['certificates.k8s.io/CertificateSigningRequest', ['spec.signerName']],
  ['resource.k8s.io/ResourceSlice', ['spec.nodeName', 'spec.driver']],
]);

/** The selectable fields of a built-in kind; none for most. */
export function selectableFields(group: string, kind: string): readonly string[] {
  return byKind.get(`${group}/${kind}`) ?? [];
}
