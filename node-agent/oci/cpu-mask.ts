/** Lists of CPUs as the mask that sched_setaffinity(2) takes. Pure. */

/** As many as any kernel is built for. */
const mostCpus = 8192;
const wordBytes = 8;

/** `0-3,7`; nothing gives nothing. @throws RangeError for a CPU that no kernel has */
export function cpuMask(list: string | undefined): Uint8Array {
  if (list === undefined || list === '') return new Uint8Array(0);
  const ranges = list.split(',').map((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return { from, to };
  });
  const last = Math.max(...ranges.map(({ to }) => to));
  if (last >= mostCpus) throw new RangeError(`${list}: there is no CPU ${last}`);
  const bytes = new Uint8Array((Math.floor(last / (wordBytes * 8)) + 1) * wordBytes);
  for (const { from, to } of ranges) {
    for (let cpu = from; cpu <= to; cpu++) {
      bytes[cpu >> 3] = (bytes[cpu >> 3] ?? 0) | (1 << (cpu & 7));
    }
  }
  return bytes;
}
