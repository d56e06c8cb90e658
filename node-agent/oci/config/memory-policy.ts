/** `linux.memoryPolicy`: what its fields must be to each other (set_mempolicy(2)), and what the kernel is told. Pure. */

import * as t from 'io-ts';
import { cpuMask } from '../cpu-mask.ts';
import { list, nullable, oneOf, Text } from './codecs.ts';

/** linux/mempolicy.h */
export const memoryModes = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const;
export const memoryFlags = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
} as const;

const keys = <K extends string>(of: Readonly<Record<K, number>>) => Object.keys(of) as K[];
export const MemoryPolicy = t.intersection([
  t.type({ mode: oneOf(...keys(memoryModes)) }),
  t.partial({ nodes: nullable(Text), flags: list(oneOf(...keys(memoryFlags))) }),
]);
export interface MemoryPolicy extends t.TypeOf<typeof MemoryPolicy> {}

type Say = (path: string, message: string) => void;

const nodeList = /^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/;
/** As many as any kernel is built for (CONFIG_NODES_SHIFT). */
const mostNodes = 1024;

const withoutNodes: ReadonlySet<string> = new Set(['MPOL_DEFAULT', 'MPOL_LOCAL']);

function checkNodes({ mode, nodes }: MemoryPolicy, say: Say): void {
  if (!nodes) {
    if (mode !== 'MPOL_PREFERRED' && !withoutNodes.has(mode)) {
      say('nodes', `expected the nodes of ${mode}, found none`);
    }
    return;
  }
  if (withoutNodes.has(mode)) say('nodes', `expected none with ${mode}, found ${nodes}`);
  if (!nodeList.test(nodes)) {
    say('nodes', `expected a list of nodes like 0-3,7, found ${JSON.stringify(nodes)}`);
    return;
  }
  const largest = Math.max(...nodes.split(/[-,]/).map(Number));
  if (largest >= mostNodes) say('nodes', `there is no node ${largest}`);
  for (const range of nodes.split(',')) {
    const [from = 0, to = from] = range.split('-').map(Number);
    if (from > to) say('nodes', `${range} ends before it begins`);
  }
}

/** The kernel would say of each no more than "invalid argument". */
export function checkMemoryPolicy(policy: MemoryPolicy, say: Say): void {
  checkNodes(policy, say);
  const flags = new Set(policy.flags ?? []);
  if (flags.size > 0 && withoutNodes.has(policy.mode)) {
    say('flags', `expected none with ${policy.mode}, found ${[...flags].join(', ')}`);
  }
  if (flags.has('MPOL_F_STATIC_NODES') && flags.has('MPOL_F_RELATIVE_NODES')) {
    say('flags', 'MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other');
  }
}

/** The mode with its flags, and the nodes as a mask. */
export function wireMemoryPolicy({ mode, nodes, flags }: MemoryPolicy) {
  const bits = (flags ?? []).reduce((sum, name) => sum | memoryFlags[name], 0);
  return { mode: memoryModes[mode] | bits, nodes: cpuMask(nodes ?? '') };
}
