/**
 * The program for a container: compiled once for each profile and set of capabilities, then kept in
 * memory.
 */

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { release } from 'node:os';
import type { SeccompProfile } from '../runtime.ts';
import { type Compiled, compile } from './compile.ts';
import { countingCapabilities, defaultProfile } from './default-profile.ts';
import { readProfile } from './read-profile.ts';

/** Larger than any profile: Docker's default has 17 KiB. */
const largestFileBytes = 1 << 20;
/** Profiles are few; who makes up new ones all the time does not fill the memory. */
const mostKept = 64;

const none: Compiled = { program: Buffer.alloc(0), unknown: [] };
const kept = new Map<string, Compiled>();

function remembered(key: string, make: () => Compiled): Compiled {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const made = make();
  const [oldest] = kept.keys();
  if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
  kept.set(key, made);
  return made;
}

/** The default for these capabilities (bits). 2 to 10 ms the first time. */
export function defaultFilter(capabilities: bigint): Compiled {
  const counting = capabilities & countingCapabilities;
  return remembered(`default ${counting}`, () =>
    compile(defaultProfile({ capabilities: counting, kernel: release() })),
  );
}

/** Not without bound: the path may lead to anything. */
async function readText(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('not a file');
    if (stat.size > largestFileBytes) throw new Error(`larger than ${largestFileBytes} bytes`);
    const bytes = Buffer.alloc(stat.size);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function fileFilter(path: string, capabilities: bigint): Promise<Compiled> {
  try {
    const text = await readText(path);
    const digest = createHash('sha256').update(text).digest('hex');
    return remembered(`${digest} ${capabilities}`, () =>
      compile(readProfile(text, { capabilities, kernel: release() })),
    );
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`use the seccomp profile ${path}: ${why}`, { cause });
  }
}

/**
 * The program (empty: none) for a container that can have these capabilities.
 * @throws Error naming the file and what is wrong in it; nothing runs unfiltered because its
 * profile cannot be read
 */
export async function filterFor(
  profile: SeccompProfile,
  capabilities: bigint,
  machine: string = process.arch,
): Promise<Compiled> {
  if (profile.type === 'Unconfined') return none;
  // The numbers of other machines are not known: as on a kernel without seccomp, no default; but
  // none asked for.
  if (machine === 'x64') {
    return profile.type === 'RuntimeDefault'
      ? defaultFilter(capabilities)
      : fileFilter(profile.path, capabilities);
  }
  if (profile.type === 'RuntimeDefault') return none;
  throw new Error(`use the seccomp profile ${profile.path}: only x86-64 is known, not ${machine}`);
}
