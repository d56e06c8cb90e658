/** `features`: what may be asked of us (runtime-spec, features.md). */

import { capabilityNames } from '../../container/capabilities.ts';
import { mountOptionNames } from '../../container/mount-options.ts';
import { actionNames } from '../../container/seccomp/actions.ts';
import { architectures } from '../../container/seccomp/architectures.ts';
import { filterFlagNames, operators } from '../../container/seccomp/profile.ts';
import { parseFlags, UsageError } from '../arguments.ts';
import { hookNames } from '../config/config.ts';
import { namespaceTypes } from '../config/linux.ts';
import { memoryFlags, memoryModes } from '../config/memory-policy.ts';
import type { Globals } from '../globals.ts';
import { ociVersionMax, ociVersionMin } from '../versions.ts';

const features = {
  ociVersionMin,
  ociVersionMax,
  hooks: hookNames,
  mountOptions: mountOptionNames,
  linux: {
    namespaces: namespaceTypes,
    capabilities: capabilityNames,
    cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
    seccomp: {
      enabled: true,
      actions: actionNames,
      operators,
      archs: Object.keys(architectures),
      knownFlags: filterFlagNames,
      supportedFlags: filterFlagNames,
    },
    apparmor: { enabled: true },
    selinux: { enabled: true },
    intelRdt: { enabled: false },
    memoryPolicy: { modes: Object.keys(memoryModes), flags: Object.keys(memoryFlags) },
    mountExtensions: { idmap: { enabled: true } },
    netDevices: { enabled: true },
  },
  annotations: {},
  potentiallyUnsafeConfigAnnotations: [],
} as const;

export async function run(_: Globals, words: readonly string[]): Promise<number> {
  const { rest } = parseFlags(words, {});
  if (rest.length > 0) throw new UsageError(`expected nothing, found ${rest.join(' ')}`);
  process.stdout.write(`${JSON.stringify(features, undefined, 2)}\n`);
  return 0;
}
