/** Bundles of an ordinary user: root of a user namespace in which nobody else is. */

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { namespaces, Rig } from './bundle.ts';

export const uid = 1234;

/** May read everything, so that the checkout may be anywhere, and nothing else. */
export const asUser =
  `setpriv --reuid ${uid} --regid ${uid} --clear-groups --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search`.split(
    ' ',
  );

/** Some kernels give users no user namespaces. */
export const givesNamespaces = (): boolean =>
  spawnSync(asUser[0] ?? '', [...asUser.slice(1), 'unshare', '-U', '-r', 'true']).status === 0;

type Json = Readonly<Record<string, unknown>>;

const itsOwn = [{ containerID: 0, hostID: uid, size: 1 }];

/** What `linux` has beside: a user namespace with the user's own id as root. */
export const mapped = (more: Json = {}): Json => ({
  namespaces: [...namespaces, { type: 'user' }],
  uidMappings: itsOwn,
  gidMappings: itsOwn,
  ...more,
});

/** A rig whose root and root file system are the user's. */
export function userRig(directory: string): Rig {
  const rig = new Rig(directory);
  mkdirSync(rig.root);
  chownSync(rig.root, uid, uid);
  execFileSync('chown', ['-R', `${uid}:${uid}`, rig.rootfs]);
  for (let at = directory; at !== '/tmp' && at !== '/'; at = dirname(at)) chmodSync(at, 0o755);
  return rig;
}
