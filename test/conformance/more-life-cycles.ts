/** The second half: core, nodes, ingress, storage, scheduling, devices. */
import type { LifeCycle } from './life-cycles.ts';

const podSpec = { containers: [{ name: 'c', image: 'busybox' }] };
const template = { metadata: { labels: { app: 'a' } }, spec: podSpec };
const storage = '/apis/storage.k8s.io/v1';

const devices = '/apis/resource.k8s.io/v1';
const claim = { devices: { requests: [{ name: 'one', exactly: { deviceClassName: 'c' } }] } };

const condition = (type: string) => ({
  conditions: [
    {
      type,
      status: 'True',
      reason: 'E2E',
      message: 'Set from a test',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ],
});

export const moreLifeCycles: readonly LifeCycle[] = [
  {
    name: 'Secrets should patch a secret',
    path: '/api/v1NS/secrets',
    object: { kind: 'Secret', type: 'Opaque', data: { key: 'dmFsdWU=' } },
  },
  {
    name: 'ServiceAccounts should run through the lifecycle of a ServiceAccount',
    also: {
      replace: 'ServiceAccounts should update a ServiceAccount',
    },
    path: '/api/v1NS/serviceaccounts',
    object: { kind: 'ServiceAccount' },
  },
  {
    name: 'PodTemplates should run the lifecycle of PodTemplates',
    also: {
      replace: 'PodTemplates should replace a pod template',
      collection: 'PodTemplates should delete a collection of pod templates',
    },
    path: '/api/v1NS/podtemplates',
    object: { kind: 'PodTemplate', template: { spec: podSpec } },
  },
  {
    name: 'RuntimeClass should support RuntimeClasses API operations',
    path: '/apis/node.k8s.io/v1/runtimeclasses',
    object: { kind: 'RuntimeClass', handler: 'handler' },
  },
  {
    name: 'LimitRange should list, patch and delete a LimitRange by collection',
    path: '/api/v1NS/limitranges',
    object: {
      kind: 'LimitRange',
      spec: { limits: [{ type: 'Container', max: { cpu: '1' }, min: { cpu: '50m' } }] },
    },
  },
  {
    name: 'SchedulerPreemption PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods',
    path: '/apis/scheduling.k8s.io/v1/priorityclasses',
    object: { kind: 'PriorityClass', value: 10 },
  },
  {
    name: 'CSIInlineVolumes should run through the lifecycle of a CSIDriver',
    path: `${storage}/csidrivers`,
    object: { kind: 'CSIDriver', spec: { volumeLifecycleModes: ['Ephemeral'] } },
  },
  {
    name: 'CSINodes CSI Conformance should run through the lifecycle of a csinode',
    path: `${storage}/csinodes`,
    object: { kind: 'CSINode', spec: { drivers: [] } },
  },
  {
    name: 'CSIStorageCapacity should support CSIStorageCapacities API operations',
    path: `${storage}NS/csistoragecapacities`,
    object: { kind: 'CSIStorageCapacity', storageClassName: 'example' },
  },
  {
    name: 'StorageClasses CSI Conformance should run through the lifecycle of a StorageClass',
    path: `${storage}/storageclasses`,
    object: { kind: 'StorageClass', provisioner: 'example.com/provisioner' },
  },
  {
    name: 'VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment',
    also: {
      status: 'VolumeAttachment Conformance should apply changes to a volumeattachment status',
    },
    path: `${storage}/volumeattachments`,
    object: {
      kind: 'VolumeAttachment',
      spec: { attacher: 'example.com', nodeName: 'n1', source: { persistentVolumeName: 'pv' } },
    },
    status: { attached: true },
  },
  {
    name: 'VolumeAttributesClass should run through the lifecycle of a VolumeAttributesClass',
    path: `${storage}/volumeattributesclasses`,
    object: {
      kind: 'VolumeAttributesClass',
      driverName: 'example.com',
      parameters: { iops: '10' },
    },
  },
  {
    name: 'PersistentVolumes CSI Conformance should apply changes to a pv/pvc status',
    path: '/api/v1/persistentvolumes',
    object: {
      kind: 'PersistentVolume',
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver: 'example.com', volumeHandle: 'x' },
      },
    },
    status: { phase: 'Available', message: 'StatusUpdated', reason: 'E2E' },
  },
  {
    name: 'PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC',
    path: '/api/v1NS/persistentvolumeclaims',
    object: {
      kind: 'PersistentVolumeClaim',
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
    status: condition('StatusUpdate'),
  },
  {
    name: 'Node Lifecycle should run through the lifecycle of a node',
    path: '/api/v1/nodes',
    object: { kind: 'Node' },
    status: { phase: 'Running' },
  },
  {
    name: 'ReplicationController should test the lifecycle of a ReplicationController',
    path: '/api/v1NS/replicationcontrollers',
    object: {
      kind: 'ReplicationController',
      spec: { selector: { app: 'a' }, template },
    },
    status: { replicas: 1 },
  },
  {
    name: 'Services should delete a collection of services',
    also: {
      status: 'Services should complete a service status lifecycle',
    },
    path: '/api/v1NS/services',
    object: { kind: 'Service', spec: { ports: [{ port: 80 }], selector: { app: 'a' } } },
    status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } },
  },
  {
    name: 'Lease lease API should be available',
    path: '/apis/coordination.k8s.io/v1NS/leases',
    object: { kind: 'Lease', spec: { holderIdentity: 'holder', leaseDurationSeconds: 30 } },
  },
  {
    name: 'Ingress API should support creating Ingress API operations',
    path: '/apis/networking.k8s.io/v1NS/ingresses',
    object: {
      kind: 'Ingress',
      spec: { defaultBackend: { service: { name: 'default-backend', port: { number: 80 } } } },
    },
    status: { loadBalancer: { ingress: [{ ip: '169.1.1.1' }] } },
  },
  {
    name: 'IngressClass API should support creating IngressClass API operations',
    path: '/apis/networking.k8s.io/v1/ingressclasses',
    object: { kind: 'IngressClass', spec: { controller: 'example.com/controller' } },
  },
  {
    name: 'ConfigMap should run through a ConfigMap lifecycle',
    path: '/api/v1NS/configmaps',
    object: { kind: 'ConfigMap', data: { valueName: 'value' } },
  },
  {
    name: '[DRA] CRUD Tests resource.k8s.io/v1 DeviceClass',
    path: `${devices}/deviceclasses`,
    object: {
      kind: 'DeviceClass',
      spec: { selectors: [{ cel: { expression: 'device.driver == "example.com"' } }] },
    },
  },
  {
    name: '[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim',
    path: `${devices}NS/resourceclaims`,
    object: { kind: 'ResourceClaim', spec: claim },
    status: {
      allocation: {
        devices: { results: [{ request: 'one', driver: 'example.com', pool: 'p', device: 'd' }] },
      },
    },
  },
  {
    name: '[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate',
    path: `${devices}NS/resourceclaimtemplates`,
    object: { kind: 'ResourceClaimTemplate', spec: { spec: claim } },
  },
  {
    name: '[DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice',
    path: `${devices}/resourceslices`,
    object: {
      kind: 'ResourceSlice',
      spec: {
        driver: 'example.com',
        nodeName: 'n1',
        pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
        devices: [{ name: 'd', attributes: { model: { string: 'm' } } }],
      },
    },
  },
];
