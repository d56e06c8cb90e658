/** Which of the host's numbers the users of a sandbox's own user namespace have. Pure. */

import type { SandboxSpec } from './runtime.ts';

const numbers = 65_536;
/** Below are the machine's own users, and what /etc/subuid usually gives away. */
const first = 16 * numbers;
const last = 65_535 * numbers;

const begins = ({ userNamespace }: SandboxSpec): readonly number[] =>
  typeof userNamespace === 'object' ? userNamespace.uids.map(({ outside }) => outside) : [];

/** `auto` becomes the first numbers that no other sandbox has. @throws Error when all are taken */
export function withNumbers(spec: SandboxSpec, others: readonly SandboxSpec[]): SandboxSpec {
  if (spec.userNamespace !== 'auto') return spec;
  const taken = new Set(others.flatMap(begins));
  for (let outside = first; outside < last; outside += numbers) {
    if (taken.has(outside)) continue;
    const map = [{ inside: 0, outside, size: numbers }];
    return { ...spec, userNamespace: { uids: map, gids: map } };
  }
  throw new Error(`sandbox ${spec.id}: no numbers are left for the users of one more`);
}
