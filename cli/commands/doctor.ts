/** `bay doctor`: whether this machine can hold a cluster, and what helps where it cannot. Changes nothing. */
import { clusterOptions, parse } from '../arguments.ts';
import { clusterOf } from '../cluster.ts';
import { gatherFacts } from '../doctor/facts.ts';
import { judge } from '../doctor/judge.ts';

const signs = { ok: 'ok', warning: 'warning', problem: 'PROBLEM' } as const;

/** Exit code 1 if there is a problem; warnings are none. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, clusterOptions);
  const findings = judge(await gatherFacts(clusterOf(values), values));
  const width = Math.max(...findings.map(({ what }) => what.length));
  for (const { what, state, says, fix } of findings) {
    process.stdout.write(`${signs[state].padEnd(8)} ${what.padEnd(width)}  ${says}\n`);
    if (fix !== undefined) process.stdout.write(`${' '.repeat(10 + width)} → ${fix}\n`);
  }
  const problems = findings.filter(({ state }) => state === 'problem').length;
  if (problems > 0)
    process.stdout.write(`\n${problems} ${problems === 1 ? 'problem' : 'problems'}\n`);
  return problems > 0 ? 1 : 0;
}
