/** User namespaces for who has no rights on the host. */

import { closeSync } from 'node:fs';
import { buildDir, loadAddon } from './load.ts';
import { reap } from './spawn.ts';

interface Face {
  sealedCopy(path: string): number;
  holdUserNamespace(executable: number): number;
}

/** A user namespace, and the process that is in it. */
export interface HeldNamespace {
  readonly pid: number;
  readonly path: string;
  /** Ends the process; the namespace stays as long as others are in it. */
  release(): Promise<void>;
}

/** Makes a user namespace that belongs to who we are, without maps. @throws NativeError where the kernel gives none */
export function holdUserNamespace(): HeldNamespace {
  const addon = loadAddon<Face>();
  // By descriptor: in there nobody may read what only some of our own rights show.
  const executable = addon.sealedCopy(`${buildDir}init`);
  try {
    const pid = addon.holdUserNamespace(executable);
    const release = async () => {
      process.kill(pid, 'SIGKILL');
      await reap(pid);
    };
    return { pid, path: `/proc/${pid}/ns/user`, release };
  } finally {
    closeSync(executable);
  }
}
