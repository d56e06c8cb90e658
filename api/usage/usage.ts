/** From what an agent counts to what nodes and containers use: CPU is a rate, so two counts make one measure. Pure. */
import {
  isObject,
  type JsonObject,
  numberOr,
  objectOr,
  objectsOf,
  stringOr,
} from '#api/resources/json.ts';

/** One agent's counts, taken together. */
export interface Sample {
  readonly node: string;
  readonly timeMs: number;
  /** kubelet's `/stats/summary`, as the agent sent it. */
  readonly summary: unknown;
}

export interface Used {
  readonly cpuNanos: number;
  readonly memoryBytes: number;
}

export interface PodUsage {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly ({ readonly name: string } & Used)[];
}

export interface NodeUsage {
  readonly node: string;
  /** When the later count was made, in milliseconds since the epoch, and how long after the other. */
  readonly timeMs: number;
  readonly windowMs: number;
  /** Absent if the agent does not count the whole node. */
  readonly used?: Used;
  readonly pods: readonly PodUsage[];
}

interface Count {
  readonly timeMs: number;
  readonly nanos: number;
  readonly bytes: number;
}

function countOf(owner: JsonObject): Count | undefined {
  const [cpu, memory] = [objectOr(owner['cpu']), objectOr(owner['memory'])];
  const timeMs = Date.parse(stringOr(cpu['time']));
  if (Number.isNaN(timeMs) || typeof cpu['usageCoreNanoSeconds'] !== 'number') return undefined;
  const bytes = numberOr(memory['workingSetBytes']);
  return { timeMs, nanos: cpu['usageCoreNanoSeconds'], bytes };
}

/** `undefined` where there are not two counts of the same thing: it was started, or started anew, in between. */
function used(before: Count | undefined, after: Count | undefined): Used | undefined {
  if (before === undefined || after === undefined) return undefined;
  const seconds = (after.timeMs - before.timeMs) / 1000;
  if (seconds <= 0 || after.nanos < before.nanos) return undefined;
  const cpuNanos = Math.round((after.nanos - before.nanos) / seconds);
  return { cpuNanos, memoryBytes: after.bytes };
}

const podsOf = (summary: unknown) =>
  new Map(
    objectsOf(objectOr(summary)['pods']).map((pod) => [
      stringOr(objectOr(pod['podRef'])['uid']),
      pod,
    ]),
  );

function podUsage(before: JsonObject, after: JsonObject): PodUsage | undefined {
  const { namespace, name } = objectOr(after['podRef']);
  const earlier = objectsOf(before['containers']);
  const containers = objectsOf(after['containers']).flatMap((container) => {
    const same = earlier.find((one) => one['name'] === container['name']);
    const use = used(same && countOf(same), countOf(container));
    return use === undefined ? [] : [{ name: stringOr(container['name']), ...use }];
  });
  if (containers.length === 0) return undefined;
  return { namespace: stringOr(namespace), name: stringOr(name), containers };
}

/** What was used between two samples of one node. */
export function usageBetween(before: Sample, after: Sample): NodeUsage {
  const earlier = podsOf(before.summary);
  const pods = [...podsOf(after.summary)].flatMap(([uid, pod]) => {
    const same = earlier.get(uid);
    const usage = same === undefined ? undefined : podUsage(same, pod);
    return usage === undefined ? [] : [usage];
  });
  const node = (sample: Sample) => countOf(objectOr(objectOr(sample.summary)['node']));
  const whole = used(node(before), node(after));
  return {
    node: after.node,
    timeMs: after.timeMs,
    windowMs: after.timeMs - before.timeMs,
    ...(whole === undefined ? {} : { used: whole }),
    pods,
  };
}

/** Whether it can be a summary at all: strangers on a node's port send other things. */
export const isSummary = (value: unknown): boolean => isObject(value) && isObject(value['node']);
