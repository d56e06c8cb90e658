/** kubelet's /stats/summary, as far as the runtime counts: CPU time and memory of each running container. */
import type { ContainerRuntime } from '#node-agent/container/runtime.ts';
import type { PodController } from '../pod/pod-controller.ts';

interface ContainerUsage {
  readonly name: string;
  readonly cpu: { readonly time: string; readonly usageCoreNanoSeconds: number };
  readonly memory: {
    readonly time: string;
    readonly usageBytes: number;
    readonly workingSetBytes: number;
  };
}

export interface StatsSummary {
  readonly node: { readonly nodeName: string };
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
  return { node: { nodeName: options.nodeName }, pods: await Promise.all(pods) };
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
