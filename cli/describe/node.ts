/** The description of a node. */
import type { RemoteClient } from '#api/client/client.ts';
import { humanAge } from '#api/resources/duration.ts';
import { type JsonObject, objectOr, objectsOf, stringOr } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import { leases, pods } from '#api/resources/resource-types.ts';
import { hasReason, StatusError } from '#api/resources/status.ts';
import type { Subject } from './describe.ts';
import { formatted, percent, sumOf, usageOf } from './node-usage.ts';
import { taints } from './placement.ts';
import { longTime, pairsOf, type Writer } from './writer.ts';

const rolePrefix = 'node-role.kubernetes.io/';

function roles(labels: Readonly<Record<string, string>> = {}): string {
  const found = Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)].filter(Boolean);
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return found.length === 0 ? '<none>' : found.sort().join(',');
}

async function lease(out: Writer, client: RemoteClient, name: string): Promise<void> {
  const found = await client
    .collection<KubeObject>(leases)
    .get({ namespace: 'kube-node-lease', name })
    .catch((error: unknown) => {
      if (hasReason(error, 'NotFound')) return error;
      throw error;
    });
  if (found instanceof StatusError) {
    out.field(0, 'Lease', `Failed to get lease: ${found.message}`);
    return;
  }
  const { holderIdentity, acquireTime, renewTime } = objectOr(found['spec']);
  const time = (value: unknown) => (value === undefined ? '<unset>' : longTime(value));
  out.line(0, 'Lease:');
  out.field(1, 'HolderIdentity', holderIdentity ?? '<unset>');
  out.field(1, 'AcquireTime', time(acquireTime));
  out.field(1, 'RenewTime', time(renewTime));
}

function conditions(out: Writer, all: readonly JsonObject[]): void {
  if (all.length === 0) return;
  out.line(0, 'Conditions:');
  out.line(1, 'Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage');
  out.line(1, '----\t------\t-----------------\t------------------\t------\t-------');
  for (const one of all) {
    const { type, status, lastHeartbeatTime, lastTransitionTime, reason, message } = one;
    const times = [longTime(lastHeartbeatTime), longTime(lastTransitionTime)];
    const cells = [
      `${type} `,
      `${status} `,
      ...times.map((time) => `${time} `),
      `${reason ?? ''} `,
      `${message ?? ''}`,
    ];
    out.line(1, cells.join('\t'));
  }
}

function amounts(out: Writer, title: string, amountsOf: unknown): void {
  const pairs = pairsOf(amountsOf);
  if (pairs.length === 0) return;
  out.line(0, `${title}:`);
  for (const [name, quantity] of pairs) out.field(1, name, quantity);
}

function system(out: Writer, status: JsonObject): void {
  const info = objectOr(status['nodeInfo']);
  out.line(0, 'System Info:');
  for (const [title, field] of [
    ['Machine ID', 'machineID'],
    ['System UUID', 'systemUUID'],
    ['Boot ID', 'bootID'],
    ['Kernel Version', 'kernelVersion'],
    ['OS Image', 'osImage'],
    ['Operating System', 'operatingSystem'],
    ['Architecture', 'architecture'],
    ['Container Runtime Version', 'containerRuntimeVersion'],
    ['Kubelet Version', 'kubeletVersion'],
    ['Kube-Proxy Version', 'kubeProxyVersion'],
  ] as const) {
    out.field(1, title, stringOr(info[field]));
  }
}

/** The pods that hold resources of the node, and what they hold together. */
async function holders(out: Writer, { client, object }: Subject): Promise<void> {
  const { items } = await client.collection<KubeObject>(pods).list({
    fieldSelector: `spec.nodeName=${object.metadata.name},status.phase!=Succeeded,status.phase!=Failed`,
  });
  const status = objectOr(object['status']);
  const allocatable = objectOr(status['allocatable'] ?? status['capacity']);
  out.line(0, `Non-terminated Pods:\t(${items.length} in total)`);
  out.line(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge');
  out.line(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---');
  for (const pod of items) {
    const { requests, limits } = usageOf(pod);
    const cell = (from: typeof requests, name: string) =>
      `${formatted(from, name)} (${percent(from, name, allocatable)}%)`;
    const { namespace, name, creationTimestamp } = pod.metadata;
    const cells = [
      cell(requests, 'cpu'),
      cell(limits, 'cpu'),
      cell(requests, 'memory'),
      cell(limits, 'memory'),
    ];
    out.line(
      1,
      `${namespace}\t${name}\t\t${cells.join('\t')}\t${humanAge(creationTimestamp, new Date())}`,
    );
  }
  const sums = sumOf(items.map(usageOf));
  out.line(0, 'Allocated resources:');
  out.line(1, '(Total limits may be over 100 percent, i.e., overcommitted.)');
  out.line(1, 'Resource\tRequests\tLimits');
  out.line(1, '--------\t--------\t------');
  const usual = ['cpu', 'memory', 'ephemeral-storage'];
  const huge = Object.keys(allocatable)
    .filter((name) => name.startsWith('hugepages-'))
    .sort();
  for (const name of [...usual, ...huge]) {
    const cell = (from: typeof sums.requests) =>
      `${formatted(from, name)} (${percent(from, name, allocatable)}%)`;
    out.line(1, `${name}\t${cell(sums.requests)}\t${cell(sums.limits)}`);
  }
  const others = Object.keys(allocatable).filter(
    (name) => !usual.includes(name) && !huge.includes(name) && name !== 'pods',
  );
  for (const name of others.sort()) {
    out.line(1, `${name}\t${formatted(sums.requests, name)}\t${formatted(sums.limits, name)}`);
  }
}

export async function describeNode(out: Writer, subject: Subject): Promise<void> {
  const { client, object } = subject;
  const { metadata } = object;
  const spec = objectOr(object['spec']);
  const status = objectOr(object['status']);
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Roles', roles(metadata.labels));
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
  out.field(0, 'CreationTimestamp', longTime(metadata.creationTimestamp));
  taints(out, 'Taints', objectsOf(spec['taints']));
  out.field(0, 'Unschedulable', spec['unschedulable'] === true);
  await lease(out, client, metadata.name);
  conditions(out, objectsOf(status['conditions']));
  out.line(0, 'Addresses:');
  for (const { type, address } of objectsOf(status['addresses'])) out.field(1, `${type}`, address);
  amounts(out, 'Capacity', status['capacity']);
  amounts(out, 'Allocatable', status['allocatable']);
  system(out, status);
  out.optional(0, 'PodCIDR', spec['podCIDR']);
  out.optional(0, 'PodCIDRs', (spec['podCIDRs'] as string[] | undefined)?.join(','));
  out.optional(0, 'ProviderID', spec['providerID']);
  await holders(out, subject);
}
