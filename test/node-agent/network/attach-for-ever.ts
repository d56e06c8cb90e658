/** A process that attaches and detaches pods until it is killed: the victim of pod-network.test.ts. */
import { createPodNetwork, type PodNetworkOptions } from '#node-agent/network/bridge-network.ts';

const network = createPodNetwork(JSON.parse(process.argv[2] ?? '{}') as PodNetworkOptions);
await network.start();
process.stdout.write('started\n');
for (let i = 0; ; i++) {
  await Promise.all([network.attach(`pod-${i}`), network.attach(`side-${i}`)]);
  if (i >= 3) await Promise.all([network.detach(`pod-${i - 3}`), network.detach(`side-${i - 3}`)]);
}
