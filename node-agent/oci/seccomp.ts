/** `linux.seccomp` as a BPF program. Loaded only for bundles that have it: the tables are large. */

import type { Listener } from '../container/seccomp/listener.ts';
import type { Log } from './globals.ts';

export interface Filter {
  readonly seccomp: Uint8Array;
  /** As seccomp(2) takes them. */
  readonly seccompFlags: number;
}

/** @throws Error naming the fields of the profile that are wrong */
export async function seccompFilter(
  profile: unknown,
  capabilities: bigint,
  log: Log,
): Promise<Filter> {
  if (profile == null) return { seccomp: new Uint8Array(0), seccompFlags: 0 };
  const [{ decodeDocument }, { profileOf }, { compile }, { filterFlags, listenerOf }, { release }] =
    await Promise.all([
      import('../container/seccomp/document.ts'),
      import('../container/seccomp/read-profile.ts'),
      import('../container/seccomp/compile.ts'),
      import('../container/seccomp/listener.ts'),
      import('node:os'),
    ]);
  return named(() => {
    const document = decodeDocument(profile);
    const circumstances = { capabilities, kernel: release() };
    const { program, unknown } = compile(profileOf(document, circumstances));
    if (unknown.length > 0) log.debug(`linux.seccomp: no system calls here: ${unknown.join(' ')}`);
    const seccompFlags = filterFlags(document, listenerOf(document) !== undefined);
    return { seccomp: program, seccompFlags };
  });
}

/** Who decides on calls that the profile leaves to another process. @throws Error naming what is wrong */
export async function seccompListener(profile: unknown): Promise<Listener | undefined> {
  if (profile == null) return;
  const [{ decodeDocument }, { listenerOf }] = await Promise.all([
    import('../container/seccomp/document.ts'),
    import('../container/seccomp/listener.ts'),
  ]);
  return named(() => listenerOf(decodeDocument(profile)));
}

function named<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw new Error(`config.json: linux.seccomp: ${(cause as Error).message}`, { cause });
  }
}
