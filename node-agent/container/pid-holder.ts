/**
 * The first process of a process namespace that containers share: our init, which starts nothing. It is nobody, has no
 * capability and sees nothing but its own program.
 */

import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { connectSocket } from '#native/descriptors.ts';
import { encodeContainer } from '#native/encode.ts';
import { handOver } from '#native/hand-over.ts';
import { buildDir } from '#native/load.ts';
import { plainProcess } from '#native/plain-process.ts';
import {
  containerFlag,
  mountAttribute,
  mountKind,
  namespaceType,
  processFlag,
} from '#native/protocol.ts';
import { runSteps } from '#native/spawn.ts';
import { createLeafSteps, type Hierarchies, v1Directories, v2Directory } from './cgroups.ts';
import { wireMount } from './standard-mounts.ts';

/** Kubernetes' and Docker's pause containers are this user, too. */
const nobody = 65_535;

function wireHolder(root: string, hierarchies: Hierarchies, cgroup: string): Buffer {
  return encodeContainer({
    flags: containerFlag.plainRoot | containerFlag.readonlyRoot,
    logPath: '',
    logLargeBytes: 0,
    logMostBytes: 0,
    oomFile: '',
    namespaces: [namespaceType.mount, namespaceType.pid, namespaceType.cgroup].map((type) => ({
      type,
      path: '',
    })),
    uidMap: [],
    gidMap: [],
    timeOffsets: [],
    hostname: '',
    domainname: '',
    sysctls: [],
    rootPropagation: 0,
    layers: [root],
    upper: '',
    work: '',
    mounts: [
      wireMount({
        kind: mountKind.bind,
        source: `${buildDir}init`,
        target: '/init',
        set: mountAttribute.readonly,
      }),
    ],
    mountsBeforeDevices: 1,
    devices: [],
    links: [],
    masked: [],
    readonlyPaths: [],
    process: {
      ...plainProcess,
      flags: processFlag.noNewPrivileges | processFlag.oomScore,
      uid: nobody,
      gid: nobody,
      owner: nobody,
      // What is killed first must not be what all others die with.
      oomScoreAdj: -998,
      cgroups: v1Directories(hierarchies, cgroup),
      cgroup2: v2Directory(hierarchies, cgroup),
      args: ['/init'],
      env: [],
    },
  });
}

/** Lets the process at the gate go on; rejects if it could not. */
async function openGate(directory: string): Promise<void> {
  const gate = new Socket({ fd: connectSocket(directory, 'gate') });
  gate.write('s');
  let failed = false;
  for await (const _ of gate) failed = true;
  if (failed)
    throw new Error(`start the init of the sandbox in ${directory}: it cannot be executed`);
}

/**
 * Makes the namespace and keeps it at `path`, in a cgroup of its own below the sandbox's; resolves with the process,
 * a child of ours that ends when that cgroup is killed.
 */
export async function holdPidNamespace(wanted: {
  readonly directory: string;
  readonly path: string;
  readonly hierarchies: Hierarchies;
  /** The sandbox's. */
  readonly cgroup: string;
}): Promise<number> {
  const { directory, path, hierarchies } = wanted;
  const cgroup = `${wanted.cgroup}/init`;
  const root = `${directory}/root`;
  const empty = openSync('/dev/null', 'r+');
  try {
    const pid = await handOver({
      directory,
      id: 'init',
      before: [['mkdir', root, '755'], ...createLeafSteps(hierarchies, cgroup)],
      stdio: [empty, empty, empty],
      spec: wireHolder(root, hierarchies, cgroup),
    });
    await openGate(directory);
    await runSteps([['bind', path, `/proc/${pid}/ns/pid`]]);
    return pid;
  } finally {
    closeSync(empty);
  }
}
