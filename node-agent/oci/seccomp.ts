/** `linux.seccomp` as a BPF program. Loaded only for bundles that have it: the tables are large. */

import type { Log } from './globals.ts';

/** @throws Error naming the fields of the profile that are wrong */
export async function seccompProgram(
  profile: unknown,
  capabilities: bigint,
  log: Log,
): Promise<Uint8Array> {
  if (profile == null) return new Uint8Array(0);
  const [{ decodeProfile }, { compile }, { release }] = await Promise.all([
    import('../container/seccomp/read-profile.ts'),
    import('../container/seccomp/compile.ts'),
    import('node:os'),
  ]);
  try {
    const circumstances = { capabilities, kernel: release() };
    const { program, unknown } = compile(decodeProfile(profile, circumstances));
    if (unknown.length > 0) log.debug(`linux.seccomp: no system calls here: ${unknown.join(' ')}`);
    return program;
  } catch (cause) {
    throw new Error(`config.json: linux.seccomp: ${(cause as Error).message}`, { cause });
  }
}
