/** The policy table as text for `nft -f -`: whole, and what leads from one state to the next. Pure. */
import { directions, type WantedSet, type WantedTable } from './plan.ts';

export interface PolicyTableOptions {
  readonly table: string;
  /** Where the node answers names for its pods: open to every pod. */
  readonly dns?: { readonly ip: string; readonly port: number } | undefined;
}

const types: Readonly<Record<WantedSet['holds'], string>> = {
  address: 'ipv4_addr',
  pair: 'ipv4_addr . ipv4_addr',
  port: 'ipv4_addr . inet_proto . inet_service',
};

export const emptyTable: WantedTable = {
  chains: new Map(),
  sets: new Map(),
  verdicts: { ingress: new Map(), egress: new Map() },
};

const spaced = (element: string): string => element.replaceAll(' ', ' . ');

/** Traffic that pods of this node send is judged before what they receive; both have to agree. */
function baseText({ table, dns }: PolicyTableOptions): string {
  const open =
    dns === undefined
      ? ''
      : `ip daddr ${dns.ip} meta l4proto { tcp, udp } th dport ${dns.port} accept`;
  return `table ip ${table} {
  map ingress { type ipv4_addr : verdict; }
  map egress { type ipv4_addr : verdict; }
  set itself { type ipv4_addr . ipv4_addr; }
  chain from-pods {
    type filter hook forward priority 10; policy accept;
    ct state established,related accept
    ip saddr . ip daddr @itself accept
    ip saddr vmap @egress
  }
  chain to-pods {
    type filter hook forward priority 20; policy accept;
    ct state established,related accept
    ip saddr . ip daddr @itself accept
    ip daddr vmap @ingress
  }
  chain to-node {
    type filter hook input priority 10; policy accept;
    ct state established,related accept
    ${open}
    ip saddr vmap @egress
  }
}
`;
}

/** The table in place of whatever has its name. */
export function wholeText(options: PolicyTableOptions, wanted: WantedTable): string {
  const { table } = options;
  return [
    `add table ip ${table}\ndelete table ip ${table}\n`,
    baseText(options),
    changeText(table, emptyTable, wanted),
  ].join('');
}

/** What makes `after` of `before`, but for elements of sets that both have; '' if nothing does. */
export function changeText(table: string, before: WantedTable, after: WantedTable): string {
  const lines: string[] = [];
  const name = `ip ${table}`;
  for (const [set, { holds, elements }] of after.sets) {
    if (before.sets.has(set)) continue;
    if (set !== 'itself') lines.push(`add set ${name} ${set} { type ${types[holds]}; }`);
    if (elements.size > 0)
      lines.push(`add element ${name} ${set} { ${[...elements].map(spaced).join(', ')} }`);
  }
  const changed = [...after.chains].filter(
    ([chain, rules]) => before.chains.get(chain)?.join('\n') !== rules.join('\n'),
  );
  for (const [chain] of changed)
    lines.push(`add chain ${name} ${chain}`, `flush chain ${name} ${chain}`);
  for (const [chain, rules] of changed)
    for (const rule of rules) lines.push(`add rule ${name} ${chain} ${rule}`);
  for (const direction of directions) {
    const [was, is] = [before.verdicts[direction], after.verdicts[direction]];
    for (const [ip, chain] of was)
      if (is.get(ip) !== chain) lines.push(`delete element ${name} ${direction} { ${ip} }`);
    for (const [ip, chain] of is)
      if (was.get(ip) !== chain)
        lines.push(`add element ${name} ${direction} { ${ip} : goto ${chain} }`);
  }
  const gone = [...before.chains.keys()].filter((chain) => !after.chains.has(chain));
  // Emptied before any is deleted: they name each other.
  for (const chain of gone) lines.push(`flush chain ${name} ${chain}`);
  for (const chain of gone) lines.push(`delete chain ${name} ${chain}`);
  for (const set of before.sets.keys())
    if (!after.sets.has(set)) lines.push(`delete set ${name} ${set}`);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
