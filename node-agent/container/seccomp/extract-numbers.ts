/**
 * Makes `numbers.ts` from the kernel's uapi headers. For a maintainer, on an x86-64 machine with
 * the newest `linux-libc-dev`:
 *
 *     node node-agent/container/seccomp/extract-numbers.ts [/usr/include/x86_64-linux-gnu/asm]
 */
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Younger than Debian 12's headers (Linux 6.1): arch/x86/entry/syscalls/syscall_*.tbl of Linux
 * 6.19.
 */
const newer = {
  everywhere: {
    cachestat: 451,
    fchmodat2: 452,
    map_shadow_stack: 453,
    futex_wake: 454,
    futex_wait: 455,
    futex_requeue: 456,
    statmount: 457,
    listmount: 458,
    lsm_get_self_attr: 459,
    lsm_set_self_attr: 460,
    lsm_list_modules: 461,
    mseal: 462,
    setxattrat: 463,
    getxattrat: 464,
    listxattrat: 465,
    removexattrat: 466,
    open_tree_attr: 467,
    file_getattr: 468,
    file_setattr: 469,
    listns: 470,
  },
  x86_64: { uretprobe: 335, uprobe: 336 },
} as const;

const x32Bit = 0x40000000;

/** `#define __NR_read 0` and `#define __NR_read (__X32_SYSCALL_BIT + 0)`, without the bit. */
function numbersIn(path: string): Map<string, number> {
  const lines = readFileSync(path, 'utf8').matchAll(
    /^#define __NR_(\w+) (?:\(__X32_SYSCALL_BIT \+ )?(\d+)\)?$/gm,
  );
  return new Map([...lines].map(([, name = '', number]) => [name, Number(number)]));
}

/** Ascending; a name without a number is one more than the name before it. */
function compact(numbers: ReadonlyMap<string, number>): string {
  const sorted = [...numbers].sort(([, a], [, b]) => a - b);
  return sorted
    .map(([name, number], index) =>
      number === (sorted[index - 1]?.[1] ?? -1) + 1 ? name : `${name}=${number}`,
    )
    .join(' ');
}

/** Lines of at most 98 columns. */
function wrapped(text: string): string {
  return text.replace(/(?=\S)(.{1,98})(?: |$)/g, '$1\n').trimEnd();
}

const directory = process.argv[2] ?? '/usr/include/x86_64-linux-gnu/asm';

function table(header: string, more: Readonly<Record<string, number>>): string {
  const added = Object.entries({ ...newer.everywhere, ...more });
  const all = new Map([...added, ...numbersIn(`${directory}/${header}`)]);
  return `\`\n${wrapped(compact(all))}\n\``;
}

const text = `/**
 * The numbers of system calls on x86, from the uapi headers of Linux (asm/unistd_64.h, unistd_32.h,
 * unistd_x32.h) and the kernel's syscall tables for what is younger. Made by
 * \`extract-numbers.ts\`: change that.
 *
 * \`name=number\`, and \`name\` alone for the number after the one before it.
 */

export const x86_64 = ${table('unistd_64.h', newer.x86_64)};

/**
 * Every one of them is called with bit 30 set (${x32Bit.toString(16)} hexadecimal), which is not
 * shown here.
 */
export const x32 = ${table('unistd_x32.h', {})};

export const x86 = ${table('unistd_32.h', {})};
`;

writeFileSync(new URL('numbers.ts', import.meta.url), text);
