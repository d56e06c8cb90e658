/**
 * The fixed part of a node's table: chains, rules and empty maps. All that depends on Services is in the maps' elements
 * (set-schema.ts), so that these rules are written once and a packet meets the same few of them however many Services
 * there are. Pure.
 *
 *   address . protocol . port --fronts, nodeports--> pool (ct mark) --sizes--> slots --random or hash--> slot (mark)
 *   pool . slot --endpoints--> address . port: the new destination
 *
 * A front that not everybody may come to is in `guards`, too: its number and the client's networks, from the longest prefix to
 * the shortest, are looked up in `sources`, and who is in none is dropped.
 *
 * Where clients stay, the first one's slot --ids--> endpoint's number is kept in `affinity` by client and pool, and the
 * number is what `endpoints` is asked with.
 */
import { ipText } from '../cidr.ts';

export interface TableOptions {
  readonly table: string;
  /** The node's own pods. */
  readonly podCidr: string;
  /** All nodes' pods: what is sent there keeps its source. */
  readonly clusterCidr: string;
  /** Nodes whose way out leads through this one. */
  readonly nodeCidr?: string;
  /** Services' addresses: every cluster of this machine has the same. */
  readonly serviceCidr: string;
}

/** A pool's mark: what it is in the upper bits, a number of its own below. */
export const poolBits = {
  internal: 0x8000_0000,
  external: 0xc000_0000,
  local: 0xa000_0000,
  /** No pool: whose sources are allowed. */
  guard: 0x1000_0000,
} as const;
export const poolNumberMask = 0x0fff_ffff;

/** In `sizes`: clients stay for so many seconds more than this. */
export const stickySize = 0x1_0000;
/** So many pickers are there from the start; others are made when the first pool has so many slots. */
export const usualSlots = 16;

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** Makes the chain that draws one of `slots` slots, or keeps clients (`stickySize`); repeating it changes nothing. */
export function pickerText(table: string, slots: number): string {
  if (slots >= stickySize) return keeperText(table, slots);
  const chain = `ip ${table} pick-${slots}`;
  const draw = slots === 1 ? '0' : `numgen random mod ${slots}`;
  return [
    `add chain ${chain}`,
    `flush chain ${chain}`,
    `add rule ${chain} meta mark set ${draw} goto translate`,
    `add element ip ${table} pickers { ${slots} : goto pick-${slots} }`,
    '',
  ].join('\n');
}

/**
 * Makes the chain that leads clients where they were led before, if that was not too long ago. The kernel's `update` makes
 * an element that is missing; of one that is there it only begins the time anew. A client whose endpoint is gone is forgotten
 * and led like a new one; if there are too many clients to remember, the others are led by their address alone.
 */
function keeperText(table: string, size: number): string {
  const chain = `ip ${table} stay-${size - stickySize}`;
  const remember = [
    'meta mark set jhash ip saddr mod 256 seed 0x62617920',
    'meta mark set ct mark . meta mark map @ids',
    `update @affinity { ip saddr . ct mark timeout ${size - stickySize}s : meta mark }`,
  ];
  const rules = [
    ...remember,
    'meta mark set ip saddr . ct mark map @affinity',
    'meta l4proto { tcp, udp, sctp } dnat ip to ct mark . meta mark map @endpoints',
    'delete @affinity { ip saddr . ct mark : meta mark }',
    ...remember,
    'goto translate',
  ];
  return [
    `add chain ${chain}`,
    `flush chain ${chain}`,
    ...rules.map((rule) => `add rule ${chain} ${rule}`),
    `add element ip ${table} pickers { ${size} : goto stay-${size - stickySize} }`,
    '',
  ].join('\n');
}

/** Types are written out: they must be the same for ever, or the table is made anew. */
const sets = (table: string): string => `table ip ${table} {
  map fronts { type ipv4_addr . inet_proto . inet_service : mark; }
  map guards { type ipv4_addr . inet_proto . inet_service : mark; }
  set sources { type mark . mark . ipv4_addr; }
  map nodeports { type inet_proto . inet_service : mark; }
  map inner { type mark : mark; }
  map sizes { type mark : mark; }
  map endpoints { type mark . mark : ipv4_addr . inet_service; }
  map ids { type mark . mark : mark; }
  map affinity { type ipv4_addr . mark : mark; size 65536; flags dynamic,timeout; }
  set itself { type ipv4_addr . ipv4_addr; }
  map pickers { type mark : verdict; }
}
`;

const baseChains = {
  guard: 'type filter hook prerouting priority raw; policy accept;',
  prerouting: 'type nat hook prerouting priority dstnat; policy accept;',
  output: 'type nat hook output priority -100; policy accept;',
  input: 'type filter hook input priority filter; policy accept;',
  forward: 'type filter hook forward priority filter; policy accept;',
  outgoing: 'type filter hook output priority filter; policy accept;',
  postrouting: 'type nat hook postrouting priority srcnat; policy accept;',
};
const chains = ['services', 'admit', 'pick', 'translate', 'refuse'];

/** Asked only of fronts in `guards`: one look-up a prefix, so that a change of a range is one element. */
const admitRules: readonly string[] = [
  ...Array.from({ length: 32 }, (_, i) => {
    const [prefix, mask] = [32 - i, ipText(2 ** 32 - 2 ** i)];
    return `meta mark set ${prefix} ct mark . meta mark . ip saddr & ${mask} @sources return`;
  }),
  'drop',
];

function rules({
  podCidr,
  clusterCidr,
  nodeCidr,
  serviceCidr,
}: TableOptions): Record<string, readonly string[]> {
  const { internal, external, local } = poolBits;
  const kinds = hex(0xe000_0000);
  const ports = 'meta l4proto { tcp, udp, sctp }';
  const own = [podCidr, ...(nodeCidr === undefined ? [] : [nodeCidr])].join(', ');
  return {
    // The node's own loopback is reached through a Service's address alone, whatever is allowed to be routed.
    guard: ['iifname "bp*" ip daddr 127.0.0.0/8 drop'],
    prerouting: [
      // Pods of another cluster of this machine mean its Services: 10.96.0.1 and 10.96.0.10 are in every one.
      `iifname "bp*" ip saddr != { ${own} } ip daddr ${serviceCidr} return`,
      `${ports} jump services`,
    ],
    output: [`${ports} jump services`],
    input: ['jump refuse'],
    forward: ['jump refuse'],
    outgoing: ['jump refuse'],
    services: [
      'ct mark set ip daddr . meta l4proto . th dport map @guards jump admit',
      'ct mark set ip daddr . meta l4proto . th dport map @fronts goto pick',
      'fib daddr type local ct mark set meta l4proto . th dport map @nodeports goto pick',
    ],
    admit: admitRules,
    pick: [
      // Who is inside may as well be led elsewhere; what is bound to the loopback cannot leave the node.
      `ct mark & ${kinds} == ${hex(local)} ip saddr ${clusterCidr} ct mark set ct mark map @inner`,
      `ct mark & ${kinds} == ${hex(local)} ip saddr != 127.0.0.0/8 fib saddr type local ct mark set ct mark map @inner`,
      'meta mark set ct mark map @sizes meta mark vmap @pickers',
    ],
    translate: [`${ports} dnat ip to ct mark . meta mark map @endpoints`],
    // Of a Service without endpoints: no way was found for the first packet. Kubernetes drops what only other nodes serve.
    refuse: [
      `ct state new ct status & dnat == 0 ct mark & ${kinds} == ${hex(local)} drop`,
      `ct state new ct status & dnat == 0 ct mark & ${hex(internal)} != 0 reject`,
    ],
    postrouting: [
      `ct status dnat ct mark & ${kinds} == ${hex(external)} masquerade`,
      // To own pods alone: another cluster of this machine marks its flows in the same way.
      `ct status dnat ct mark & ${kinds} == ${hex(internal)} ip saddr != ${clusterCidr} ip daddr ${clusterCidr} fib saddr type != local masquerade`,
      'ip saddr . ip daddr @itself masquerade',
      'ip saddr 127.0.0.0/8 oifname "bp*" masquerade',
      `ip saddr ${podCidr} ip daddr != ${clusterCidr} masquerade`,
      ...(nodeCidr === undefined
        ? []
        : [`ip saddr ${nodeCidr} ip daddr != { ${clusterCidr}, ${nodeCidr} } masquerade`]),
    ],
  };
}

/**
 * Puts the fixed part in place, for `nft -f -`: one transaction. Elements that are there stay, so that Services go on while
 * the agent is started again.
 */
export function tableText(options: TableOptions): string {
  const { table } = options;
  const name = (chain: string) => `ip ${table} ${chain}`;
  const all = [...Object.keys(baseChains), ...chains];
  const lines = [
    ...Object.entries(baseChains).map(([chain, hook]) => `add chain ${name(chain)} { ${hook} }`),
    ...chains.map((chain) => `add chain ${name(chain)}`),
    ...all.map((chain) => `flush chain ${name(chain)}`),
  ];
  const pickers = Array.from({ length: usualSlots }, (_, i) => pickerText(table, i + 1));
  const content = Object.entries(rules(options)).flatMap(([chain, list]) =>
    list.map((rule) => `add rule ${name(chain)} ${rule}`),
  );
  return [sets(table), lines.join('\n'), '\n', pickers.join(''), content.join('\n'), '\n'].join('');
}
