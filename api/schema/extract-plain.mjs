/**
 * Which scalars Go holds as plain values that JSON omits when they are zero. Protobuf always carries those, so
 * a zero on the wire means "not set"; a zero in a pointer field (`replicas: 0`) means zero. No published
 * document tells the two apart: booleans and numbers named here are plain, all others are pointers; strings
 * are plain unless named below.
 */

const plainScalars = new Set(
  (
    'hostNetwork hostPID hostIPC stdin stdinOnce tty readOnly paused publishNotReadyAddresses ' +
    'unschedulable globalDefault deprecated nullable exclusiveMaximum exclusiveMinimum uniqueItems ' +
    'preserveUnknownFields insecureSkipTLSVerify hostPort minReadySeconds initialDelaySeconds ' +
    'periodSeconds successThreshold failureThreshold updatedReplicas readyReplicas ' +
    'availableReplicas unavailableReplicas currentReplicas fullyLabeledReplicas ' +
    'observedGeneration numberUnavailable numberAvailable updatedNumberScheduled generation count ' +
    'nodePort healthCheckNodePort partition deprecatedCount ' +
    'x-kubernetes-embedded-resource x-kubernetes-int-or-string'
  ).split(' '),
);
/** Plain in one type only. */
const plainIn = new Set([
  'Probe.timeoutSeconds',
  'JobStatus.active',
  'JobStatus.succeeded',
  'JobStatus.failed',
  'ReplicaSetStatus.replicas',
  'DeploymentStatus.replicas',
  'ScaleSpec.replicas',
  'GRPCAction.port',
]);
/** Pointers, although a plain field of the same name is elsewhere; and strings whose empty value counts. */
const pointers = new Set([
  'RollingUpdateStatefulSetStrategy.partition',
  'PersistentVolumeClaimSpec.storageClassName',
  'PersistentVolumeClaimSpec.volumeAttributesClassName',
  'EndpointPort.name',
  'EndpointPort.appProtocol',
  'TypedLocalObjectReference.apiGroup',
  'TypedObjectReference.apiGroup',
  'LeaseSpec.holderIdentity',
  'IngressSpec.ingressClassName',
  'ExecEnvSource.value',
  'VolumeAttachmentSource.persistentVolumeName',
  'Preconditions.uid',
  'Preconditions.resourceVersion',
  'AzureDiskVolumeSource.readOnly',
]);

/**
 * How a field's zero is marked in the facts: `unset` for a boolean or number whose zero means "not set", `kept`
 * for a string whose empty value counts; nothing for the others.
 */
export function zeroMark(type, field, schema) {
  const name = `${type}.${field}`;
  if (name === 'ServicePort.targetPort') return 'unset';
  if (schema.type === 'string') return pointers.has(name) ? 'kept' : undefined;
  const scalar = ['boolean', 'integer', 'number'].includes(schema.type);
  if (!scalar || pointers.has(name)) return undefined;
  return plainScalars.has(field) || plainIn.has(name) ? 'unset' : undefined;
}
