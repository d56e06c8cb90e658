/** A process that attaches and detaches pods until it is killed: the victim of restart.test.ts. */
import assert from 'node:assert';
import { createPodNetwork, type PodNetworkOptions } from '#node-agent/network/bridge-network.ts';

const [, , options] = process.argv;
assert(options, 'needs options as JSON');
const network = createPodNetwork(JSON.parse(options) as PodNetworkOptions);
await network.start();
process.stdout.write('started\n');
for (let i = 0; ; i++) {
  await Promise.all([network.attach(`pod-${i}`), network.attach(`side-${i}`)]);
  if (i >= 3) await Promise.all([network.detach(`pod-${i - 3}`), network.detach(`side-${i - 3}`)]);
}
