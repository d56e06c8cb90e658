/** Where state is kept if nobody says. */

import { lstatSync, mkdirSync } from 'node:fs';
import { isRootless } from './rootless.ts';

/** @throws Error for a directory in a place open to all that is not ours alone */
function ownBelow(temporary: string, uid: number): string {
  const path = `${temporary}/bayplan-oci-${uid}`;
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const facts = lstatSync(path);
  if (facts.isDirectory() && facts.uid === uid && (facts.mode & 0o077) === 0) return path;
  const why = `expected a directory of user ${uid} that is closed to others`;
  throw new Error(`keep state in ${path}: ${why}; remove it, or choose another with --root`);
}

/** Root's, or that of a user's session; where there is none, one of his own where all may make one. */
export function stateRoot(temporary = '/tmp'): string {
  if (!isRootless()) return '/run/bayplan-oci';
  const session = process.env['XDG_RUNTIME_DIR'];
  return session ? `${session}/bayplan-oci` : ownBelow(temporary, process.geteuid?.() ?? 0);
}
