/** `bay run`'s flags, docker's own, as a Container document. */
import { randomBytes } from 'node:crypto';
import type { Container } from './container.ts';
import type { RunFlags } from './run/flags.ts';
import { limitFields } from './run/limits.ts';
import { mountFields } from './run/mounts.ts';
import { networkFields } from './run/network.ts';
import { processFields } from './run/process.ts';
import { securityFields } from './run/security.ts';

/** The document for one `bay run`. Throws UsageError naming the flag that is wrong. */
export function containerDocument(
  flags: RunFlags,
  image: string,
  command: readonly string[],
  namespace: string,
): Container {
  const name = flags.name ?? `run-${randomBytes(4).toString('hex')}`;
  return {
    apiVersion: 'bayplan.dev/v1alpha1',
    kind: 'Container',
    metadata: { name, namespace },
    spec: {
      image,
      ...processFields(flags, command),
      ...networkFields(flags),
      ...mountFields(flags),
      ...securityFields(flags),
      ...limitFields(flags),
    },
  };
}
