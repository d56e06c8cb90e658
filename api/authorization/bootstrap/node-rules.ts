/** What every node may, beside what its own pods need (`bootstrappolicy.NodeRules`), and our own kinds. */
import type { PolicyRule } from '../rule.ts';
import { read, rule } from './documents.ts';

export const nodeRules: readonly PolicyRule[] = [
  rule('create', 'authentication.k8s.io', 'tokenreviews selfsubjectreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews localsubjectaccessreviews'),
  rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
  rule(read, 'core', 'services'),
  // Admission limits these to the node itself.
  rule(`create ${read}`, 'core', 'nodes'),
  rule('update patch', 'core', 'nodes nodes/status'),
  rule('create update patch', 'core events.k8s.io', 'events'),
  rule(read, 'core', 'pods'),
  // Mirror pods, and pods that have ended.
  rule('create delete', 'core', 'pods'),
  rule('update patch', 'core', 'pods/status'),
  rule('create', 'core', 'pods/eviction'),
  rule(read, 'core', 'secrets configmaps'),
  rule('get', 'core', 'persistentvolumeclaims persistentvolumes'),
  rule('get update patch', 'core', 'persistentvolumeclaims/status'),
  rule('get', 'core', 'endpoints'),
  rule(read, 'discovery.k8s.io', 'endpointslices'),
  rule(`create ${read}`, 'certificates.k8s.io', 'certificatesigningrequests'),
  rule('get create update patch delete', 'coordination.k8s.io', 'leases'),
  rule('get', 'storage.k8s.io', 'volumeattachments'),
  rule('create', 'core', 'serviceaccounts/token'),
  rule('get', 'core', 'serviceaccounts'),
  rule('get create update patch delete', 'storage.k8s.io', 'csinodes'),
  rule(read, 'storage.k8s.io', 'csidrivers'),
  rule(read, 'node.k8s.io', 'runtimeclasses'),
  rule('get', 'resource.k8s.io', 'resourceclaims'),
  rule(`${read} create update patch delete deletecollection`, 'resource.k8s.io', 'resourceslices'),
  rule(read, 'bayplan.dev', 'containers images snapshots imagepolicies'),
  rule('create update patch delete', 'bayplan.dev', 'images snapshots'),
  rule('update patch', 'bayplan.dev', 'containers/status images/status snapshots/status'),
];
