/** A container that asks for nothing but a layer and a program. */

import { plainProcess } from '#native/plain-process.ts';
import type { WireContainer, WireProcess } from '#native/protocol.ts';

export const plainContainer: Omit<WireContainer, 'process' | 'layers' | 'upper' | 'work'> = {
  flags: 0,
  logPath: '',
  logLargeBytes: 0,
  logMostBytes: 0,
  oomFile: '',
  namespaces: [],
  uidMap: [],
  gidMap: [],
  timeOffsets: [],
  hostname: '',
  domainname: '',
  sysctls: [],
  rootPropagation: 0,
  mounts: [],
  mountsBeforeDevices: 0,
  devices: [],
  links: [],
  masked: [],
  readonlyPaths: [],
};

export const everyCapability = (1n << 41n) - 1n;

/** A program of root's, with every capability. */
export const program = (
  args: readonly string[],
  change: Partial<WireProcess> = {},
): WireProcess => ({
  ...plainProcess,
  columns: 80,
  rows: 25,
  capabilities: {
    bounding: everyCapability,
    effective: everyCapability,
    permitted: everyCapability,
    inheritable: 0n,
    ambient: 0n,
  },
  args,
  env: ['PATH=/bin'],
  ...change,
});
