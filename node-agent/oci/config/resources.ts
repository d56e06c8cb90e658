/** `linux.resources` of config.json, and what `update --resources` brings, in the words of `container/cgroup-resources`. */

import * as t from 'io-ts';
import { list, nullable, oneOf, Text, U16, U32, whole } from './codecs.ts';

/** -1 and larger than JavaScript counts: no limit. */
const Bytes = new t.Type<number, number, unknown>(
  'a number of bytes, or -1',
  t.number.is,
  (value, context) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= -1) {
      return t.success(value);
    }
    // What Go writes for "all there is": near 2^63.
    const huge = typeof value === 'bigint' && value > 0n && value < 2n ** 64n;
    return huge ? t.success(-1) : t.failure(value, context);
  },
  t.identity,
);
const Count = whole(-1, Number.MAX_SAFE_INTEGER);
const Micros = whole(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'microseconds');
const Shares = whole(0, Number.MAX_SAFE_INTEGER, 'shares');

const Number_ = t.type({ major: U32, minor: U32 });
const Rate = t.intersection([Number_, t.type({ rate: whole(0, Number.MAX_SAFE_INTEGER) })]);
const Weights = t.partial({ weight: nullable(U16), leafWeight: nullable(U16) });

const DeviceRule = t.intersection([
  t.type({ allow: t.boolean }),
  t.partial({
    type: nullable(oneOf('a', 'c', 'b', 'u', 'p', '')),
    major: nullable(whole(-1, 2 ** 32 - 1)),
    minor: nullable(whole(-1, 2 ** 32 - 1)),
    access: nullable(Text),
  }),
]);

export const ResourcesCodec = t.partial({
  cpu: nullable(
    t.partial({
      shares: nullable(Shares),
      quota: nullable(Micros),
      burst: nullable(Micros),
      period: nullable(Micros),
      realtimeRuntime: nullable(Micros),
      realtimePeriod: nullable(Micros),
      cpus: nullable(Text),
      mems: nullable(Text),
      idle: nullable(whole(0, 1)),
    }),
  ),
  memory: nullable(
    t.partial({
      limit: nullable(Bytes),
      reservation: nullable(Bytes),
      swap: nullable(Bytes),
      kernel: nullable(Bytes),
      kernelTCP: nullable(Bytes),
      swappiness: nullable(whole(0, Number.MAX_SAFE_INTEGER)),
      disableOOMKiller: nullable(t.boolean),
      useHierarchy: nullable(t.boolean),
      checkBeforeUpdate: nullable(t.boolean),
    }),
  ),
  pids: nullable(t.partial({ limit: nullable(Count) })),
  blockIO: nullable(
    t.intersection([
      Weights,
      t.partial({
        weightDevice: list(t.intersection([Number_, Weights])),
        throttleReadBpsDevice: list(Rate),
        throttleWriteBpsDevice: list(Rate),
        throttleReadIOPSDevice: list(Rate),
        throttleWriteIOPSDevice: list(Rate),
      }),
    ]),
  ),
  hugepageLimits: list(t.type({ pageSize: Text, limit: Bytes })),
  network: nullable(
    t.partial({
      classID: nullable(U32),
      priorities: list(t.type({ name: Text, priority: U32 })),
    }),
  ),
  rdma: nullable(
    t.record(t.string, t.partial({ hcaHandles: nullable(U32), hcaObjects: nullable(U32) })),
  ),
  devices: list(DeviceRule),
  unified: nullable(t.record(t.string, Text)),
});
export interface ResourcesDocument extends t.TypeOf<typeof ResourcesCodec> {}

/** Without the nulls that Go writes for what is not set, and with bigint as far as numbers go. */
export function withoutNulls(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, content]) => content != null);
  return Object.fromEntries(kept.map(([name, content]) => [name, withoutNulls(content)]));
}
