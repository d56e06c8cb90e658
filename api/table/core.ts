/** Rows of nodes, namespaces, configuration, events and quotas. */
import { humanAge } from '#api/resources/duration.ts';
import { numberOr, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import {
  type Cells,
  conditionOf,
  countOf,
  NONE,
  specOf,
  statusOf,
  textOr,
  UNKNOWN,
} from './cells.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';

function nodeStatus(node: KubeObject): string {
  const ready = conditionOf(node, 'Ready');
  const shown = ready === undefined ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady';
  return specOf(node)['unschedulable'] === true ? `${shown},SchedulingDisabled` : shown;
}

function nodeRoles(node: KubeObject): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX)) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === 'kubernetes.io/role') roles.add(value);
  }
  roles.delete('');
  return [...roles].sort().join(',') || NONE;
}

function nodeAddress(node: KubeObject, type: string): string {
  const addresses = objectsOf(statusOf(node)['addresses']);
  return textOr(addresses.find((one) => one['type'] === type)?.['address'], NONE);
}

export function nodeCells(node: KubeObject): Cells {
  const info = objectOr(statusOf(node)['nodeInfo']);
  return {
    Status: nodeStatus(node),
    Roles: nodeRoles(node),
    Version: stringOr(info['kubeletVersion']),
    'Internal-IP': nodeAddress(node, 'InternalIP'),
    'External-IP': nodeAddress(node, 'ExternalIP'),
    'OS-Image': textOr(info['osImage'], UNKNOWN),
    'Kernel-Version': textOr(info['kernelVersion'], UNKNOWN),
    'Container-Runtime': textOr(info['containerRuntimeVersion'], UNKNOWN),
  };
}

export const namespaceCells = (namespace: KubeObject): Cells => ({
  Status: stringOr(statusOf(namespace)['phase']),
});

export const secretCells = (secret: KubeObject): Cells => ({
  Type: stringOr(secret['type']),
  Data: countOf(secret['data']),
});

export const configMapCells = (configMap: KubeObject): Cells => ({
  Data: countOf(configMap['data']) + countOf(configMap['binaryData']),
});

function sourceText(event: KubeObject): string {
  const { component, host } = objectOr(event['source'] ?? event['deprecatedSource']);
  const reporter = event['reportingComponent'] ?? event['reportingController'];
  const names = [textOr(component, stringOr(reporter))];
  const instance = textOr(host, stringOr(event['reportingInstance']));
  return (instance === '' ? names : [...names, instance]).join(', ');
}

/** Both faces of an Event: core/v1 and events.k8s.io/v1 name the same things differently. */
export function eventCells(event: KubeObject, now: Date): Cells {
  const about = objectOr(event['involvedObject'] ?? event['regarding']);
  const series = objectOr(event['series']);
  const first = event['firstTimestamp'] ?? event['deprecatedFirstTimestamp'] ?? event['eventTime'];
  const last =
    series['lastObservedTime'] ?? event['lastTimestamp'] ?? event['deprecatedLastTimestamp'];
  const kind = stringOr(about['kind']).toLowerCase();
  const name = stringOr(about['name']);
  const count = series['count'] ?? event['count'] ?? event['deprecatedCount'];
  return {
    'Last Seen': humanAge(last ?? first, now),
    Type: stringOr(event['type']),
    Reason: stringOr(event['reason']),
    Object: name === '' ? kind : `${kind}/${name}`,
    Subobject: stringOr(about['fieldPath']),
    Source: sourceText(event),
    Message: stringOr(event['message'] ?? event['note']).trim(),
    'First Seen': humanAge(first, now),
    Count: numberOr(count) || 1,
  };
}

export function resourceQuotaCells(quota: KubeObject): Cells {
  const { hard, used } = statusOf(quota);
  const line = (of: (name: string) => boolean): string =>
    Object.keys(objectOr(hard))
      .sort()
      .filter(of)
      .map((name) => `${name}: ${textOr(objectOr(used)[name], '0')}/${objectOr(hard)[name]}`)
      .join(', ');
  const isLimit = (name: string): boolean => name.startsWith('limits');
  return { Request: line((name) => !isLimit(name)), Limit: line(isLimit) };
}

export function componentStatusCells(component: KubeObject): Cells {
  const healthy = objectsOf(component['conditions']).find((one) => one['type'] === 'Healthy');
  if (healthy === undefined) return { Status: 'Unknown', Message: '', Error: '' };
  return {
    Status: healthy['status'] === 'True' ? 'Healthy' : 'Unhealthy',
    Message: stringOr(healthy['message']),
    Error: stringOr(healthy['error']),
  };
}
