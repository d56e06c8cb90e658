/** kubelet's /stats/summary, as far as the runtime counts: CPU time and memory of the node and of each running container. */
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import type { ContainerRuntime } from '#node-agent/container/runtime.ts';
import type { PodController } from '../pod/pod-controller.ts';

interface Usage {
  readonly cpu: { readonly time: string; readonly usageCoreNanoSeconds: number };
  readonly memory: {
    readonly time: string;
    readonly usageBytes: number;
    readonly workingSetBytes: number;
  };
}

interface ContainerUsage extends Usage {
  readonly name: string;
}

export interface StatsSummary {
  readonly node: { readonly nodeName: string } & Usage;
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
    readonly containers: readonly ContainerUsage[];
  }[];
}

/** What runs on the node uses now; a container that ends meanwhile is left out. */
export async function statsSummary(options: {
  readonly pods: PodController;
  readonly runtime: ContainerRuntime;
  readonly nodeName: string;
}): Promise<StatsSummary> {
  const pods = options.pods.pods().map(async ({ metadata }) => {
    const { name, namespace = '', uid = '' } = metadata;
    const attempts = options.pods.find(namespace, name)?.state.allAttempts() ?? [];
    const running = attempts.filter(({ state }) => state.phase === 'running');
    const usages = running.map((attempt) => usage(options.runtime, attempt).catch(() => undefined));
    const containers = (await Promise.all(usages)).filter((one) => one !== undefined);
    return { podRef: { name, namespace, uid }, containers };
  });
  const node = { nodeName: options.nodeName, ...(await nodeUsage()) };
  return { node, pods: await Promise.all(pods) };
}

/** The whole machine: proc(5). What the kernel would give back at once is not counted as used. */
async function nodeUsage(): Promise<Usage> {
  const text = await readFile('/proc/meminfo', 'utf8');
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  const [total, free, available] = ['MemTotal', 'MemFree', 'MemAvailable'].map(bytes) as [
    number,
    number,
    number,
  ];
  const busyMs = cpus().reduce(
    (sum, { times }) => sum + times.user + times.nice + times.sys + times.irq,
    0,
  );
  const time = new Date().toISOString();
  return {
    cpu: { time, usageCoreNanoSeconds: busyMs * 1_000_000 },
    memory: { time, usageBytes: total - free, workingSetBytes: total - available },
  };
}

async function usage(
  runtime: ContainerRuntime,
  { id, container }: { readonly id: string; readonly container: string },
): Promise<ContainerUsage> {
  const { cpuNanos, memoryBytes, memoryUsageBytes } = await runtime.stats(id);
  const time = new Date().toISOString();
  return {
    name: container,
    cpu: { time, usageCoreNanoSeconds: cpuNanos },
    memory: { time, usageBytes: memoryUsageBytes, workingSetBytes: memoryBytes },
  };
}
