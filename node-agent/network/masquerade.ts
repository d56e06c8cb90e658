/** The nftables table of a node: what pods send beyond the node leaves with the node's own address. */

import { execFile } from 'node:child_process';
import type { Cidr } from './cidr.ts';

export interface MasqueradeOptions {
  readonly table: string;
  readonly bridge: string;
  readonly cidr: Cidr;
}

/** Runs `nft -f -`; sbin is not in everybody's PATH. */
function nft(commands: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
    const child = execFile('nft', ['-f', '-'], { env, timeout: 10_000 }, (error, _out, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`nft -f -: ${stderr.trim() || error.message}`, { cause: error }));
    });
    child.stdin?.on('error', () => {}); // nft is missing or gone: execFile tells
    child.stdin?.end(commands);
  });
}

// Adding before deleting makes the deletion right whether the table is there or not; all of a file is one transaction.
const removal = (table: string) => `add table ip ${table}\ndelete table ip ${table}\n`;

/** Puts the table in place of what there is of it. @throws Error when nft is missing or the kernel refuses */
export function loadMasquerade({ table, bridge, cidr }: MasqueradeOptions): Promise<void> {
  return nft(`${removal(table)}table ip ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${cidr.text} ip daddr != ${cidr.text} oifname != "${bridge}" masquerade
  }
}
`);
}

/** No table is no error. @throws Error when nft is missing or the kernel refuses */
export function removeMasquerade(table: string): Promise<void> {
  return nft(removal(table));
}
