/** What benchmarks share: percentiles, a process's memory and CPU, tables. */
import { readdirSync, readFileSync } from 'node:fs';

/** The value below which `share` (0..1) of the sorted values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** KiB, from smaps_rollup (proc(5)): proportional shares shared pages among those who map them. */
export function memoryOf(pid: number): { rss: number; pss: number; private: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    rss: field('Rss'),
    pss: field('Pss'),
    private: field('Private_Clean') + field('Private_Dirty'),
  };
}

/** CPU time in ms used so far by the process (10 ms steps). */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** CPU time in µs used so far by the process's threads; from the scheduler's own account, which is exact. */
export function cpuUsOf(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const times = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8'));
  return times.reduce((sum, time) => sum + Number(time.split(' ')[0]) / 1000, 0);
}

/** Prints a Markdown table. */
export function printTable(title: string, rows: readonly Record<string, string | number>[]): void {
  const headings = Object.keys(rows[0] ?? {});
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const body = rows.map((row) => line(headings.map((heading) => row[heading] ?? '')));
  console.log(`\n### ${title}\n`);
  console.log([line(headings), line(headings.map(() => '---')), ...body].join('\n'));
}

export const ms = (value: number): string => `${value.toFixed(1)} ms`;
