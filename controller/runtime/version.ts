/** Order of resourceVersions: decimal numbers without a limit to their size (Kubernetes 1.35 made comparing them a promise). */

/** Whether version `a` is later than `b`. The empty version is earlier than all. */
export const isLater = (a: string, b: string): boolean =>
  a.length === b.length ? a > b : a.length > b.length;
