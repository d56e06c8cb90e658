/** A container's own mounts to what a supervisor is told. Pure. */

import {
  mountAttribute,
  mountFlag,
  mountKind,
  propagation,
  type WireMount,
} from '#native/protocol.ts';
import { readMountOptions } from './mount-options.ts';
import type { Mount } from './runtime.ts';
import { wireMount } from './standard-mounts.ts';

const propagationOf = {
  private: propagation.private,
  rslave: propagation.slave,
  rshared: propagation.shared,
};

/** `mapped`: the container has a user namespace, by whose map owners are shown. */
export function ownMount(mount: Mount, mapped: boolean): WireMount {
  const { data, bind: _, remount: __, ...asked } = readMountOptions(mount.options ?? []);
  const readonly = mount.readonly ? mountAttribute.readonly : 0;
  if (mount.type === 'tmpfs') {
    const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
    return wireMount({
      ...asked,
      type: 'tmpfs',
      target: mount.target,
      set: asked.set | readonly | mountAttribute.nosuid | mountAttribute.nodev,
      options: ['mode=1777', ...size, ...data],
    });
  }
  return wireMount({
    ...asked,
    kind: mountKind.bind,
    flags: asked.flags | mountFlag.recursive | (mapped ? mountFlag.idmap : 0),
    set: asked.set | readonly,
    recursiveSet: asked.recursiveSet | (mount.recursiveReadonly === true ? readonly : 0),
    recursivePropagation: propagationOf[mount.propagation ?? 'private'],
    root: mount.root ?? '',
    source: mount.source ?? '',
    target: mount.target,
  });
}
