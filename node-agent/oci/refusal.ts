/** What a supervisor could not do, in the words that podman and Docker look for. Pure. */

import { getSystemErrorMessage } from 'node:util';
import type { Failed } from '#native/frames.ts';

export function refusalMessage({ errno, exitCode, what, path }: Failed): string {
  const why = errno === 0 ? 'unknown reason' : getSystemErrorMessage(-errno);
  const quoted = JSON.stringify(path);
  if (exitCode === 127) {
    const missing = path.includes('/') ? why : 'executable file not found in $PATH';
    return `exec: ${quoted}: ${missing}`;
  }
  if (exitCode === 126) return `exec: ${quoted}: ${why}`;
  return `${what} ${path}: ${why}`;
}
