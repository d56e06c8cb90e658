/** The lines that differ between two texts, with three lines around them, as `diff -u` writes them. */

const around = 3;
/** The table of common lines grows with the product of both lengths. */
const maxLines = 4_000;

type Edit = readonly [' ' | '-' | '+', string];

/** The shortest way from one to the other, by the longest common sequence of lines. */
function edits(a: readonly string[], b: readonly string[]): Edit[] {
  if (a.length > maxLines || b.length > maxLines) {
    return [...a.map((line): Edit => ['-', line]), ...b.map((line): Edit => ['+', line])];
  }
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const next = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      common[i * width + j] = next;
    }
  }
  const found: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push([' ', a[i] ?? '']);
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      found.push(['-', a[i] ?? '']);
      i += 1;
    } else {
      found.push(['+', b[j] ?? '']);
      j += 1;
    }
  }
  return found;
}

/** Runs of edits that lie close together. */
function hunks(all: readonly Edit[]): (readonly [number, number])[] {
  const found: [number, number][] = [];
  all.forEach(([sign], i) => {
    if (sign === ' ') return;
    const last = found.at(-1);
    if (last !== undefined && i - last[1] <= 2 * around) last[1] = i + 1;
    else found.push([i, i + 1]);
  });
  return found.map(([from, to]) => [Math.max(0, from - around), Math.min(all.length, to + around)]);
}

/** Empty if both are the same. */
export function unifiedDiff(
  before: { readonly name: string; readonly text: string },
  after: { readonly name: string; readonly text: string },
): string {
  if (before.text === after.text) return '';
  const lines = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
  const all = edits(lines(before.text), lines(after.text));
  const count = (some: readonly Edit[], sign: '-' | '+') =>
    some.filter(([own]) => own === ' ' || own === sign).length;
  const out = [`--- ${before.name}`, `+++ ${after.name}`];
  for (const [from, to] of hunks(all)) {
    const [earlier, some] = [all.slice(0, from), all.slice(from, to)];
    const range = (sign: '-' | '+') => {
      const size = count(some, sign);
      return `${count(earlier, sign) + (size === 0 ? 0 : 1)},${size}`;
    };
    out.push(`@@ -${range('-')} +${range('+')} @@`, ...some.map(([sign, line]) => sign + line));
  }
  return `${out.join('\n')}\n`;
}
