/** The `nft` program: tables, chains and rules. What changes often goes over netlink (native/nftables.ts). */
import { execFile } from 'node:child_process';

/** Runs `nft -f -`: all of the text is one transaction. sbin is not in everybody's PATH. @throws Error that says what is missing */
export function nft(commands: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
    const child = execFile('nft', ['-f', '-'], { env, timeout: 30_000 }, (error, _out, stderr) => {
      if (error === null) return resolve();
      reject(new Error(`nft -f -: ${reasonOf(error, stderr)}`, { cause: error }));
    });
    child.stdin?.on('error', () => {}); // nft is missing or gone: execFile tells
    child.stdin?.end(commands);
  });
}

/** What an `Error: … No such file or directory` of nft means when all that it names was just made. */
const modules = [
  [/\bfib\b/, 'nft_fib_ipv4'],
  [/\bnumgen\b/, 'nft_numgen'],
  [/\bjhash\b/, 'nft_hash'],
  [/\bmasquerade\b/, 'nft_masq'],
  [/\breject\b/, 'nft_reject_ipv4'],
  [/\b(dnat|type nat)\b/, 'nft_nat and nft_chain_nat'],
  [/\bct (mark|state|status)\b/, 'nft_ct'],
] as const;

function reasonOf(error: Error, stderr: string): string {
  const text = stderr.trim();
  if ((error as NodeJS.ErrnoException).code === 'ENOENT')
    return 'there is no nft program; install the package nftables';
  const missing = /No such file or directory|Operation not supported|Protocol not supported/.test(
    text,
  )
    ? modules.find(([words]) => words.test(text))?.[1]
    : undefined;
  if (missing !== undefined)
    return `the kernel cannot do this: load the module ${missing} (modprobe), or boot a kernel that has it: ${text}`;
  if (/Operation not permitted/.test(text)) return `CAP_NET_ADMIN is missing: ${text}`;
  return text === '' ? error.message : text;
}

// Adding before deleting makes the deletion right whether the table is there or not.
export const removalText = (table: string): string =>
  `add table ip ${table}\ndelete table ip ${table}\n`;
