/** Flags of a filter, and who decides on the calls that its profile leaves to another process. Pure. */

import { type Document, ProfileError } from './document.ts';

/** linux/seccomp.h. TSYNC says nothing of a program with one thread, which a new one has. */
const flagBits = {
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
} as const;

const newListener = 8;
const notify = 'SCMP_ACT_NOTIFY';

/** As seccomp(2) takes them. */
export function filterFlags({ flags }: Document, listens: boolean): number {
  const asked = (flags ?? []).reduce(
    (bits, name) => bits | flagBits[name as keyof typeof flagBits],
    0,
  );
  // The kernel refuses it where nobody listens.
  if (!listens) return asked & ~flagBits.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  return asked | newListener;
}

/** Where a profile asks another process; empty: nowhere. */
export const asksAt = ({ defaultAction, syscalls }: Document): string[] => [
  ...(defaultAction === notify ? ['defaultAction'] : []),
  ...(syscalls ?? []).flatMap(({ action }, index) =>
    action === notify ? [`syscalls[${index}].action`] : [],
  ),
];

/** The socket of who decides, and what he is told of it. */
export interface Listener {
  readonly path: string;
  readonly metadata: string;
}

/**
 * Who decides, if the profile asks anybody.
 * @throws ProfileError when it does not say whom, or asks for what must pass before he can be asked
 */
export function listenerOf(document: Document): Listener | undefined {
  const [at] = asksAt(document);
  if (at === undefined) return;
  const { listenerPath = '', listenerMetadata = '', syscalls } = document;
  if (at === 'defaultAction') {
    throw new ProfileError([`${at}: ${notify} for every call would wait for its own listener`]);
  }
  if (!listenerPath.startsWith('/')) {
    throw new ProfileError([`listenerPath: ${at} is ${notify}: expected the path of a socket`]);
  }
  (syscalls ?? []).forEach(({ action, names, name }, index) => {
    if (action !== notify || !(names?.includes('sendmsg') || name === 'sendmsg')) return;
    throw new ProfileError([
      `syscalls[${index}].names: sendmsg cannot be ${notify}: it brings the listener`,
    ]);
  });
  return { path: listenerPath, metadata: listenerMetadata };
}
