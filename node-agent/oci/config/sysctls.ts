/** Kernel parameters a container may set: those of its own namespaces and no other. Pure. */

import type { NamespaceType } from './linux.ts';
import type { Problem } from './problem.ts';

/** sysctl.conf(5) writes net.ipv4.conf.eth0/1.x for names with dots; both signs may separate. */
const shape = /^[a-zA-Z0-9_-]+([./][a-zA-Z0-9_:@-]+)+$/;

const ipc = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);
const uts = new Set(['kernel.hostname', 'kernel.domainname']);

function namespaceOf(name: string): NamespaceType | undefined {
  const dotted = name.replaceAll('/', '.');
  if (ipc.has(dotted) || dotted.startsWith('fs.mqueue.')) return 'ipc';
  if (uts.has(dotted)) return 'uts';
  return dotted.startsWith('net.') ? 'network' : undefined;
}

/** Refuses what is another's, and values that would be read as more than one (CVE-2022-0811). */
export function sysctlProblems(
  sysctls: Readonly<Record<string, string>>,
  kinds: ReadonlySet<NamespaceType>,
): Problem[] {
  return Object.entries(sysctls).flatMap(([name, value]) => {
    const path = `linux.sysctl[${JSON.stringify(name)}]`;
    if (!shape.test(name)) return [{ path, message: 'is no name of a kernel parameter' }];
    const kind = namespaceOf(name);
    if (kind === undefined) {
      return [{ path, message: 'belongs to no namespace: it would change the host' }];
    }
    if (!kinds.has(kind)) {
      return [{ path, message: `needs a ${kind} namespace in linux.namespaces` }];
    }
    if (/[^\x20-\x7e\t]/.test(value)) return [{ path, message: 'expected one line of plain text' }];
    return [];
  });
}

/** Where it is below /proc/sys. */
export const sysctlPath = (name: string): string => {
  const firstDot = name.indexOf('.');
  const firstSlash = name.indexOf('/');
  // Whichever sign comes first separates; the other stands for itself, exchanged.
  if (firstSlash >= 0 && (firstDot < 0 || firstSlash < firstDot)) return name;
  return name.replace(/[./]/g, (sign) => (sign === '.' ? '/' : '.'));
};
