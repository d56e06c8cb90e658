/** The description of a pod. */
import { humanAge } from '#api/resources/duration.ts';
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import { controllerOf, type KubeObject } from '#api/resources/meta.ts';
import { describeContainers, describeResources, describeSeccomp } from './containers.ts';
import type { Subject } from './describe.ts';
import { nameAndNamespace } from './environment.ts';
import { spread, tolerations } from './placement.ts';
import { describeVolumes } from './volumes.ts';
import { longTime, type Writer } from './writer.ts';

/** `ReplicaSet/web-1`. */
export function describeController(out: Writer, object: KubeObject): void {
  const owner = controllerOf(object);
  if (owner !== undefined) out.field(0, 'Controlled By', `${owner.kind}/${owner.name}`);
}

function head(out: Writer, object: KubeObject, spec: JsonObject, status: JsonObject): void {
  const { metadata } = object;
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  if (spec['priority'] !== undefined) out.field(0, 'Priority', spec['priority']);
  out.optional(0, 'Priority Class Name', spec['priorityClassName']);
  out.optional(0, 'Runtime Class Name', spec['runtimeClassName']);
  out.optional(0, 'Service Account', spec['serviceAccountName']);
  const node = stringOr(spec['nodeName']);
  out.field(0, 'Node', node === '' ? '<none>' : `${node}/${stringOr(status['hostIP'])}`);
  if (status['startTime'] !== undefined) out.field(0, 'Start Time', longTime(status['startTime']));
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
}

function phase(out: Writer, { metadata }: KubeObject, status: JsonObject): void {
  const isOver = status['phase'] === 'Failed' || status['phase'] === 'Succeeded';
  if (metadata.deletionTimestamp !== undefined && !isOver) {
    out.field(
      0,
      'Status',
      `Terminating (lasts ${humanAge(metadata.deletionTimestamp, new Date())})`,
    );
    out.field(0, 'Termination Grace Period', `${metadata.deletionGracePeriodSeconds ?? 0}s`);
  } else {
    out.field(0, 'Status', stringOr(status['phase']));
  }
  out.optional(0, 'Reason', status['reason']);
  out.optional(0, 'Message', status['message']);
}

function addresses(out: Writer, status: JsonObject): void {
  out.field(0, 'IP', stringOr(status['podIP']));
  const all = objectsOf(status['podIPs']);
  out.line(0, `IPs:${all.length === 0 ? '\t<none>' : ''}`);
  for (const { ip } of all) out.field(1, 'IP', ip);
}

function conditions(out: Writer, spec: JsonObject, status: JsonObject): void {
  const all = objectsOf(status['conditions']);
  const gates = objectsOf(spec['readinessGates']);
  if (gates.length > 0) {
    out.line(0, 'Readiness Gates:');
    out.line(1, 'Type\tStatus');
    for (const { conditionType } of gates) {
      const found = all.find(({ type }) => type === conditionType);
      out.line(1, `${conditionType} \t${found?.['status'] ?? '<none>'} `);
    }
  }
  if (all.length === 0) return;
  out.line(0, 'Conditions:');
  out.line(1, 'Type\tStatus');
  for (const { type, status: is } of all) out.line(1, `${type} \t${is} `);
}

export function describePod(out: Writer, { object }: Subject): void {
  const spec = objectOr(object['spec']);
  const status = objectOr(object['status']);
  head(out, object, spec, status);
  phase(out, object, status);
  describeSeccomp(out, 0, spec['securityContext']);
  addresses(out, status);
  describeController(out, object);
  out.optional(0, 'NominatedNodeName', status['nominatedNodeName']);
  if (spec['resources'] !== undefined) {
    out.line(0, 'Resources:');
    describeResources(out, spec['resources'], 1);
  }
  const resolve = nameAndNamespace(object.metadata);
  for (const [title, list, states] of [
    ['Init Containers', 'initContainers', 'initContainerStatuses'],
    ['Containers', 'containers', 'containerStatuses'],
    ['Ephemeral Containers', 'ephemeralContainers', 'ephemeralContainerStatuses'],
  ] as const) {
    const containers = objectsOf(spec[list]);
    if (containers.length === 0 && list !== 'containers') continue;
    describeContainers(out, title, containers, objectsOf(status[states]), '', resolve);
  }
  conditions(out, spec, status);
  describeVolumes(out, objectsOf(spec['volumes']));
  out.field(0, 'QoS Class', stringOr(status['qosClass']));
  out.labels('Node-Selectors', spec['nodeSelector']);
  tolerations(out, 'Tolerations', objectsOf(spec['tolerations']));
  spread(out, objectsOf(spec['topologySpreadConstraints']), '');
}
