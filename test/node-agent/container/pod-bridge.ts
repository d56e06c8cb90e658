/** The pod network of a test's node. */
import { basename } from 'node:path';
import type { TestNode } from './node.ts';

/** Of this node alone: several tests run at once. */
export const bridgeOf = ({ directory }: TestNode): string =>
  `bp${basename(directory).slice(-6).toLowerCase()}`;

export const networkOptions = (node: TestNode) => ({
  runDir: `${node.runDir}/network`,
  podCidr: '10.202.77.0/28',
  bridge: bridgeOf(node),
  clusterName: bridgeOf(node),
});
