/** `bay kubeconfig`: prints the file that lets any Kubernetes client in. */
import { existsSync, readFileSync } from 'node:fs';
import { clusterOptions, parse } from '../arguments.ts';
import { clusterOf } from '../cluster.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, clusterOptions);
  const { kubeconfig } = clusterOf(values);
  if (!existsSync(kubeconfig)) {
    throw new Error(`there is no ${kubeconfig}; start the cluster once with 'bay up'`);
  }
  process.stdout.write(readFileSync(kubeconfig, 'utf8'));
  return 0;
}
