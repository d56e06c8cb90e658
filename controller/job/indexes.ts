/** Sets of completion indexes as text: `0,2-4,7`. */

/** The indexes of the text below `end`; what is not a number is passed over. */
export function parseIndexes(text: string | undefined, end: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const last = Math.min(Number(to), end - 1);
    for (let index = Number(from); index <= last; index += 1) indexes.add(index);
  }
  return indexes;
}

/** In order; three and more in a row as a range. */
export function formatIndexes(indexes: ReadonlySet<number>): string {
  const parts: string[] = [];
  const sorted = [...indexes].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; i += 1) {
    const first = sorted[i] ?? 0;
    let last = first;
    while (sorted[i + 1] === last + 1) {
      last += 1;
      i += 1;
    }
    parts.push(
      first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`,
    );
  }
  return parts.join(',');
}
