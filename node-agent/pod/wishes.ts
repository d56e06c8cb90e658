/** What Container documents want of containers that run: things that no Pod can say, and that change without a new Pod. */

import type { ApiObject } from '#api/client/collection.ts';
import { milliValue, value } from '#api/resources/quantity.ts';
import type { Pod } from '#api/resources/types.ts';
import type { WatchEvent } from '#controller/runtime/watch.ts';
import type { Resources } from '#node-agent/container/cgroup-resources.ts';

export interface Wish {
  /** Of the document: which spec it is of. */
  readonly generation: number;
  readonly paused: boolean;
  /** In a Pod's words. */
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  /** All that `docker update` can change; -1: no limit. */
  readonly limits: Resources;
}

type Quantity = string | number;

interface Spec {
  readonly state?: string;
  readonly restartPolicy?: string;
  readonly resources?: {
    readonly cpu?: Quantity;
    readonly memory?: Quantity;
    readonly memoryReservation?: Quantity;
    readonly memorySwap?: string;
    readonly cpuShares?: number;
    readonly cpuset?: string;
    readonly pids?: number;
  };
}

/** The CFS period and the kernel's least quota and shares (pkg/kubelet/cm/helpers_linux.go). */
const periodUs = 100_000;
const quotaMinUs = 1_000;
const sharesMin = 2;

const bytes = (text: Quantity | undefined): number =>
  text === undefined ? -1 : value(String(text)) || -1;

function limitsOf({ resources = {} }: Spec): Resources {
  const { cpu, memory, memoryReservation, memorySwap, cpuShares, cpuset, pids } = resources;
  const millis = cpu === undefined ? 0 : milliValue(String(cpu));
  const quota = millis === 0 ? -1 : Math.max(quotaMinUs, Math.floor((millis * periodUs) / 1000));
  return {
    cpu: {
      shares: cpuShares ?? sharesMin,
      quota,
      period: periodUs,
      ...(cpuset === undefined ? {} : { cpus: cpuset }),
    },
    memory: {
      limit: bytes(memory),
      reservation: bytes(memoryReservation),
      ...(memorySwap === undefined ? {} : { swap: memorySwap === '-1' ? -1 : bytes(memorySwap) }),
    },
    pids: { limit: pids === undefined || pids <= 0 ? -1 : pids },
  };
}

function policyOf({ restartPolicy = 'no' }: Spec): Wish['restartPolicy'] {
  if (restartPolicy === 'no') return 'Never';
  return restartPolicy === 'on-failure' ? 'OnFailure' : 'Always';
}

/** Pure. */
export function wishOf({ metadata, spec = {} }: ApiObject & { readonly spec?: Spec }): Wish {
  return {
    generation: metadata.generation ?? 1,
    paused: spec.state === 'Paused',
    restartPolicy: policyOf(spec),
    limits: limitsOf(spec),
  };
}

/** The fields of `wanted` that stand otherwise; undefined when all is as it should be. Pure. */
export function limitsToChange(wanted: Resources, present: Resources): Resources | undefined {
  const differs = <T extends object>(want: T | undefined, is: Partial<T> = {}): boolean =>
    want !== undefined &&
    Object.entries(want).some(([name, limit]) => {
      const stands = (is as Record<string, unknown>)[name];
      return (stands ?? (name === 'period' ? limit : unset(name))) !== limit;
    });
  const change = {
    ...(differs(wanted.cpu, present.cpu) ? { cpu: wanted.cpu } : {}),
    ...(differs(wanted.memory, present.memory) ? { memory: wanted.memory } : {}),
    ...(differs(wanted.pids, present.pids) ? { pids: wanted.pids } : {}),
  };
  return Object.keys(change).length === 0 ? undefined : (change as Resources);
}

const unset = (name: string): number => (name === 'shares' ? sharesMin : -1);

/** The wishes of the documents whose Pods come here, by the document's uid. */
export class Wishes {
  readonly #wishes = new Map<string, Wish>();
  /** Called with the document's uid when it wants something else. */
  onChange: (uid: string) => void = () => undefined;

  of(uid: string): Wish | undefined {
    return this.#wishes.get(uid);
  }

  take(event: WatchEvent<ApiObject>): void {
    if (event.type === 'replaced') {
      const uids = new Set(event.objects.map(({ metadata }) => metadata.uid ?? ''));
      for (const uid of this.#wishes.keys()) if (!uids.has(uid)) this.#wishes.delete(uid);
      for (const object of event.objects) this.#takeOne(object);
    } else if (event.type === 'deleted') this.#wishes.delete(event.object.metadata.uid ?? '');
    else this.#takeOne(event.object);
  }

  #takeOne(object: ApiObject): void {
    const { uid = '', generation } = object.metadata;
    if (this.#wishes.get(uid)?.generation === generation) return;
    this.#wishes.set(uid, wishOf(object));
    this.onChange(uid);
  }
}

/** The Pod with what its Container wants now instead of when the Pod was made. Pure. */
export function asWished(pod: Pod, wish: Wish | undefined): Pod {
  if (wish === undefined || pod.spec === undefined) return pod;
  if (pod.spec.restartPolicy === wish.restartPolicy) return pod;
  return { ...pod, spec: { ...pod.spec, restartPolicy: wish.restartPolicy } };
}
