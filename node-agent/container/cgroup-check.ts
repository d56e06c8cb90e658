/** Refuses limits that no kernel takes, with the field's name, before anything is made. Pure. */

import { type DeviceRule, ResourceError, type Resources } from './cgroup-resources.ts';

/** The largest whole number that JSON and JavaScript keep exactly. */
const most = Number.MAX_SAFE_INTEGER;

interface Range {
  readonly field: string;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

function within(value: number | undefined, { field, min, max, unit }: Range): void {
  if (value === undefined) return;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new ResourceError(field, `${value} is no whole number of ${unit} from ${min} to ${max}`);
}

function checkList(text: string | undefined, field: string): void {
  if (text === undefined || text === '' || /^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) return;
  throw new ResourceError(field, `${JSON.stringify(text)} is no list as 0-2,7`);
}

function checkCpu({ cpu }: Resources): void {
  if (cpu === undefined) return;
  const time = { max: most, unit: 'microseconds' };
  within(cpu.shares, { field: 'cpu.shares', min: 0, max: most, unit: 'shares' });
  within(cpu.quota, { field: 'cpu.quota', min: -most, ...time });
  within(cpu.burst, { field: 'cpu.burst', min: 0, ...time });
  within(cpu.period, { field: 'cpu.period', min: 0, ...time });
  within(cpu.realtimeRuntime, { field: 'cpu.realtimeRuntime', min: -1, ...time });
  within(cpu.realtimePeriod, { field: 'cpu.realtimePeriod', min: 0, ...time });
  within(cpu.idle, { field: 'cpu.idle', min: 0, max: 1, unit: 'switches' });
  checkList(cpu.cpus, 'cpu.cpus');
  checkList(cpu.mems, 'cpu.mems');
}

function checkMemory({ memory }: Resources): void {
  if (memory === undefined) return;
  const bytes = { min: -1, max: most, unit: 'bytes' };
  for (const name of ['limit', 'reservation', 'swap', 'kernelTCP'] as const) {
    within(memory[name], { field: `memory.${name}`, ...bytes });
  }
  within(memory.swappiness, { field: 'memory.swappiness', min: 0, max: 100, unit: 'percent' });
  const { limit = 0, swap = 0 } = memory;
  if (swap > 0 && limit <= 0) {
    throw new ResourceError('memory.swap', `${swap} counts memory, too: memory.limit is needed`);
  }
  if (swap > 0 && swap < limit) {
    throw new ResourceError('memory.swap', `${swap} is less than memory.limit, ${limit}`);
  }
}

function checkDeviceNumber(
  { major, minor }: { readonly major: number; readonly minor: number },
  field: string,
): void {
  within(major, { field: `${field}.major`, min: 0, max: 0xfff, unit: 'device numbers' });
  within(minor, { field: `${field}.minor`, min: 0, max: 0xfffff, unit: 'device numbers' });
}

const throttles = [
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
] as const;

function checkBlockIo({ blockIO }: Resources): void {
  if (blockIO === undefined) return;
  const weight = { min: 0, max: 1000, unit: 'shares' };
  within(blockIO.weight, { field: 'blockIO.weight', ...weight });
  for (const [index, device] of (blockIO.weightDevice ?? []).entries()) {
    const field = `blockIO.weightDevice[${index}]`;
    checkDeviceNumber(device, field);
    within(device.weight, { field: `${field}.weight`, ...weight });
  }
  for (const name of throttles) {
    for (const [index, device] of (blockIO[name] ?? []).entries()) {
      const field = `blockIO.${name}[${index}]`;
      checkDeviceNumber(device, field);
      within(device.rate, { field: `${field}.rate`, min: 0, max: most, unit: 'units a second' });
    }
  }
}

function checkDevice(rule: DeviceRule, field: string): void {
  const { type = 'a', access = 'rwm', major = -1, minor = -1 } = rule;
  if (!['a', 'b', 'c'].includes(type)) {
    throw new ResourceError(`${field}.type`, `${JSON.stringify(type)} is none of a, b, c`);
  }
  if (!/^[rwm]+$/.test(access)) {
    throw new ResourceError(`${field}.access`, `${JSON.stringify(access)} is not made of r, w, m`);
  }
  within(major, { field: `${field}.major`, min: -1, max: 0xffffffff, unit: 'device numbers' });
  within(minor, { field: `${field}.minor`, min: -1, max: 0xffffffff, unit: 'device numbers' });
}

function checkHugePages({ hugepageLimits = [] }: Resources): void {
  for (const [index, { pageSize, limit }] of hugepageLimits.entries()) {
    const field = `hugepageLimits[${index}]`;
    if (!/^[1-9]\d*(KB|MB|GB)$/.test(pageSize)) {
      throw new ResourceError(`${field}.pageSize`, `${JSON.stringify(pageSize)} is no size as 2MB`);
    }
    within(limit, { field: `${field}.limit`, min: -1, max: most, unit: 'bytes' });
  }
}

function checkUnified({ unified = {} }: Resources): void {
  for (const [file, content] of Object.entries(unified)) {
    if (!/^[a-z]+(\.[A-Za-z0-9_]+)+$/.test(file) || file.startsWith('cgroup.')) {
      throw new ResourceError(`unified[${JSON.stringify(file)}]`, 'is no file of a controller');
    }
    if (content === '' || content.includes('\0')) {
      throw new ResourceError(
        `unified[${JSON.stringify(file)}]`,
        'has nothing that can be written',
      );
    }
  }
}

function checkOthers({ pids, network, rdma = {}, devices = [] }: Resources): void {
  within(pids?.limit, { field: 'pids.limit', min: -1, max: most, unit: 'processes' });
  within(network?.classID, { field: 'network.classID', min: 0, max: 2 ** 32 - 1, unit: 'classes' });
  for (const [index, { name, priority }] of (network?.priorities ?? []).entries()) {
    const field = `network.priorities[${index}]`;
    if (!/^[^\s/]{1,15}$/.test(name)) {
      throw new ResourceError(`${field}.name`, `${JSON.stringify(name)} names no interface`);
    }
    within(priority, { field: `${field}.priority`, min: 0, max: 2 ** 32 - 1, unit: 'priorities' });
  }
  for (const [name, { hcaHandles, hcaObjects }] of Object.entries(rdma)) {
    const range = { min: 0, max: 2 ** 31 - 1, unit: 'objects' };
    if (!/^\S+$/.test(name)) {
      throw new ResourceError(`rdma[${JSON.stringify(name)}]`, 'names no device');
    }
    within(hcaHandles, { field: `rdma[${JSON.stringify(name)}].hcaHandles`, ...range });
    within(hcaObjects, { field: `rdma[${JSON.stringify(name)}].hcaObjects`, ...range });
  }
  for (const [index, rule] of devices.entries()) checkDevice(rule, `devices[${index}]`);
}

/** @throws ResourceError for the first limit that cannot be */
export function checkResources(wanted: Resources): void {
  checkCpu(wanted);
  checkMemory(wanted);
  checkBlockIo(wanted);
  checkHugePages(wanted);
  checkUnified(wanted);
  checkOthers(wanted);
}
