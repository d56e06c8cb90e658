import t from 'tap';
import { capabilityBits, defaultCapabilities } from '#node-agent/container/capabilities.ts';
import { defaultFilter } from '#node-agent/container/seccomp.ts';

const x64 = 0xc000003e;
const i386 = 0x40000003;
const allow = 0x7fff0000;
const eperm = 0x00050001;
const enosys = 0x00050026;

/** Runs a program as the kernel does (Documentation/networking/filter.rst), for the few instructions it has. */
function verdict(program: Uint8Array, call: { nr: number; arch?: number; arg?: number }): number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const facts: Record<number, number> = { 0: call.nr, 4: call.arch ?? x64, 16: call.arg ?? 0 };
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 8) {
    const code = view.getUint16(at, true);
    const value = view.getUint32(at + 4, true);
    const jump = (condition: boolean) => view.getUint8(at + (condition ? 2 : 3)) * 8;
    if (code === 0x20) accumulator = facts[value] ?? 0;
    else if (code === 0x15) at += jump(accumulator === value);
    else if (code === 0x35) at += jump(accumulator >= value);
    else if (code === 0x45) at += jump((accumulator & value) >>> 0 !== 0);
    else if (code === 0x06) return value;
    else throw new Error(`instruction ${code}`);
  }
  throw new Error('ran off the end');
}

t.test('what Docker refuses is refused, the rest is allowed', async (t) => {
  const program = defaultFilter(capabilityBits(defaultCapabilities), 'x64');
  for (const [name, nr, expected] of [
    ['read', 0, allow],
    ['execve', 59, allow],
    ['ptrace', 101, allow],
    ['chroot', 161, allow],
    ['mount', 165, eperm],
    ['umount2', 166, eperm],
    ['kexec_load', 246, eperm],
    ['bpf', 321, eperm],
    ['keyctl', 250, eperm],
    ['reboot', 169, eperm],
    ['swapon', 167, eperm],
    ['init_module', 175, eperm],
    ['setns', 308, eperm],
    ['io_uring_setup', 425, eperm],
    ['clone3', 435, enosys],
  ] as const) {
    t.equal(verdict(program, { nr }), expected, name);
  }
  const threadFlags = 0x3d0f00;
  t.equal(verdict(program, { nr: 56, arg: threadFlags }), allow, 'a thread');
  for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
    t.equal(verdict(program, { nr: 56, arg: 17 | flag }), eperm, `clone ${flag.toString(16)}`);
});

t.test('no other way into the kernel leads around it', async (t) => {
  const program = defaultFilter(0n, 'x64');
  t.equal(verdict(program, { nr: 165, arch: i386 }), enosys);
  t.equal(verdict(program, { nr: 0x40000000 | 165 }), enosys);
});

t.test('a capability gives back what it is for', async (t) => {
  const program = defaultFilter(capabilityBits(['CAP_SYS_ADMIN', 'SYS_TIME']), 'x64');
  for (const nr of [165, 272, 435, 227]) t.equal(verdict(program, { nr }), allow);
  for (const nr of [169, 250, 321]) t.equal(verdict(program, { nr }), eperm);
});

t.test('a machine whose numbers are not known gets no filter', async (t) => {
  t.equal(defaultFilter(0n, 'arm64').length, 0);
});
