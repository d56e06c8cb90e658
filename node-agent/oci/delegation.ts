/** A container's cgroup given to the container's own user, who makes cgroups below it (config-linux.md, Cgroup ownership). */

import { existsSync, lchownSync, readFileSync } from 'node:fs';
import { mountAttribute } from '#native/protocol.ts';
import { type Hierarchies, readHierarchies } from '../container/cgroups.ts';
import { readMountOptions } from '../container/mount-options.ts';
import type { Config } from './config/config.ts';
import { targetOf } from './mounts.ts';
import { hostId } from './process-order.ts';
import { isRootless } from './rootless.ts';

/** What the kernel lets be given away; it has this list since Linux 4.15. */
const kernelList = '/sys/kernel/cgroup/delegate';
const listBefore = ['cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'];

/** It sees its own part of the tree only, and may write there. */
function mayManage({ linux, mounts }: Config): boolean {
  const namespaces = linux?.namespaces ?? [];
  if (!namespaces.some(({ type, path }) => type === 'cgroup' && !path)) return false;
  return (mounts ?? []).some((mount) => {
    if (mount.type !== 'cgroup' && mount.type !== 'cgroup2') return false;
    if (targetOf(mount) !== '/sys/fs/cgroup') return false;
    return (readMountOptions(mount.options ?? []).set & mountAttribute.readonly) === 0;
  });
}

/**
 * The host's id of who gets the cgroup: the process's user; undefined where nobody does. Never on v1, where who has a
 * part of a tree can leave it.
 */
export function cgroupOwner(config: Config, { v1, v2 }: Hierarchies): number | undefined {
  if (v2 === undefined || Object.keys(v1).length > 0 || !mayManage(config)) return;
  const { uidMappings, namespaces } = config.linux ?? {};
  const user = (namespaces ?? []).find(({ type }) => type === 'user');
  // The maps of a namespace that is joined are told nowhere.
  if (user?.path) return;
  const uid = config.process?.user?.uid ?? 0;
  const isMapped = (uidMappings ?? []).some(
    ({ containerID, size }) => uid >= containerID && uid < containerID + size,
  );
  if (user !== undefined && !isMapped) return;
  const owner = hostId(uidMappings, uid);
  return owner === 0 ? undefined : owner;
}

function filesToGive(): string[] {
  if (!existsSync(kernelList)) return listBefore;
  return readFileSync(kernelList, 'utf8').split('\n').filter(Boolean);
}

/**
 * Gives a cgroup that was made for this container, and of its files those that move processes and hand down controllers;
 * its limits stay the host's.
 */
export async function delegateCgroup(config: Config, cgroup: string): Promise<void> {
  if (isRootless()) return; // it is his already
  const hierarchies = await readHierarchies();
  const owner = cgroupOwner(config, hierarchies);
  if (owner === undefined) return;
  const directory = `${hierarchies.v2}${cgroup}`;
  for (const file of filesToGive()) {
    const path = `${directory}/${file}`;
    if (existsSync(path)) lchownSync(path, owner, -1);
  }
  lchownSync(directory, owner, -1);
}
