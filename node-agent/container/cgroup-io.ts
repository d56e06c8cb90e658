/** Block I/O and huge pages to the files of both versions. Pure. */

import type { CgroupFile, Version } from './cgroup-limits.ts';
import type { BlockIoResources, Resources } from './cgroup-resources.ts';

/** From v1's weights (10..1000) to those of v2's io.cost (1..10000), as runc and crun do. */
export const ioWeight = (weight: number): number =>
  1 + Math.trunc(((Math.min(Math.max(weight, 10), 1000) - 10) * 9999) / 990);

const throttles = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops'],
] as const;

/** Which of a kernel's schedulers weighs shows in the name of its file: the first that is there is written. */
const either = (...files: readonly CgroupFile[]): CgroupFile => [
  '?',
  files.map(([file, content]) => `${file}=${content}`).join('\n'),
];

function weightFiles(blockIO: BlockIoResources, version: Version): CgroupFile[] {
  const files: CgroupFile[] = [];
  const put = (weight: number, prefix: string, suffix: string) => {
    files.push(
      version === 1
        ? either(
            [`blkio.bfq.weight${suffix}`, `${prefix}${weight}`],
            [`blkio.weight${suffix}`, `${prefix}${weight}`],
          )
        : either(
            ['io.bfq.weight', `${prefix}${weight}`],
            ['io.weight', `${prefix}${ioWeight(weight)}`],
          ),
    );
  };
  if (blockIO.weight) put(blockIO.weight, '', '');
  for (const { major, minor, weight } of blockIO.weightDevice ?? []) {
    if (weight) put(weight, `${major}:${minor} `, '_device');
  }
  return files;
}

export function blockIoFiles({ blockIO = {} }: Resources, version: Version): CgroupFile[] {
  const limits = throttles.flatMap(([field, v1File, v2Key]) =>
    (blockIO[field] ?? []).map(({ major, minor, rate }): CgroupFile => {
      const device = `${major}:${minor}`;
      if (version === 1) return [v1File, `${device} ${rate}`];
      // v1's 0 is no limit.
      return ['io.max', `${device} ${v2Key}=${rate === 0 ? 'max' : rate}`];
    }),
  );
  return [...weightFiles(blockIO, version), ...limits];
}

export function hugePageFiles({ hugepageLimits = [] }: Resources, version: Version): CgroupFile[] {
  const file = version === 1 ? 'limit_in_bytes' : 'max';
  return hugepageLimits.flatMap(({ pageSize, limit }): CgroupFile[] => {
    const value = version === 2 && limit < 0 ? 'max' : String(limit);
    return [
      [`hugetlb.${pageSize}.${file}`, value],
      // A reservation that is never used counts, too: a file that kernels before 5.7 lack.
      ['?', `hugetlb.${pageSize}.rsvd.${file}=${value}\nhugetlb.${pageSize}.${file}=${value}`],
    ];
  });
}
