/** A mount namespace that is joined by path is others', too: what a container has mounted there is taken away with it. */

import { statSync } from 'node:fs';
import { mountIn, unmountIn } from '#native/mount-namespace.ts';
import type { Config } from './config/config.ts';

/** Where it is, and what was there before; numbers are the kernel's. */
export interface JoinedMounts {
  readonly namespace: string;
  readonly inode: number;
  readonly before: number;
  /** The root's own mount, once it is there. */
  readonly root?: number;
}

/** The path that a configuration joins a mount namespace by. */
export const joinedMountsOf = ({ linux }: Config): string | undefined =>
  (linux?.namespaces ?? []).find(({ type, path }) => type === 'mount' && path)?.path ?? undefined;

/** Looks before anything is mounted; undefined for a namespace that nobody can join: whoever tries tells. */
export async function beforeMounts(
  config: Config,
  rootfs: string,
): Promise<JoinedMounts | undefined> {
  const namespace = joinedMountsOf(config);
  const facts = namespace && statSync(namespace, { throwIfNoEntry: false });
  if (!namespace || !facts) return;
  const before = await mountIn(namespace, rootfs).catch(() => undefined);
  return before === undefined ? undefined : { namespace, inode: facts.ino, before };
}

/** The same with the mount that is there now. */
export async function afterMounts(joined: JoinedMounts, rootfs: string): Promise<JoinedMounts> {
  return { ...joined, root: await mountIn(joined.namespace, rootfs) };
}

/** Only the container's own: of another that was put over it since, nothing is taken away. */
export async function removeMounts(joined: JoinedMounts, rootfs: string): Promise<void> {
  const { namespace, inode, before, root } = joined;
  // Without it, or with another by its name, there is nothing left to be seen.
  if (statSync(namespace, { throwIfNoEntry: false })?.ino !== inode) return;
  const now = await mountIn(namespace, rootfs);
  if (now === (root ?? now) && now !== before && now !== 0) await unmountIn(namespace, rootfs);
}
