/** Keys as ranges. */

/** The least string greater than all that start with `prefix`: the exclusive end of its range. */
export function endOfPrefix(prefix: string): string {
  const last = prefix.length - 1;
  if (last < 0) return '\u{10ffff}';
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1);
}

/** Where a range starts: at `prefix`, or right behind `after` if that is further on. */
export function startOfRange(prefix: string, after: string | undefined): string {
  return after === undefined || after < prefix ? prefix : `${after}\0`;
}
