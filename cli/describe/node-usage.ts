/** What pods ask of a node. */
import { objectOr, objectsOf } from '#api/resources/json.ts';
import type { KubeObject } from '#api/resources/meta.ts';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
} from '#api/resources/quantity.ts';

type Amounts = Readonly<Record<string, Quantity>>;

export interface Usage {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

const read = (list: unknown): Amounts =>
  Object.fromEntries(
    Object.entries(objectOr(list)).map(([name, text]) => [name, parseQuantity(String(text))]),
  );

function merged(a: Amounts, b: Amounts, merge: (a: Quantity, b: Quantity) => Quantity): Amounts {
  const all: Record<string, Quantity> = { ...a };
  for (const [name, amount] of Object.entries(b)) {
    const held = all[name];
    all[name] = held === undefined ? amount : merge(held, amount);
  }
  return all;
}

const larger = (a: Quantity, b: Quantity): Quantity => (compareQuantities(a, b) >= 0 ? a : b);

/** Containers together, or the largest of those that start before them. */
function podAmounts(spec: Record<string, unknown>, field: 'requests' | 'limits'): Amounts {
  const of = (container: unknown) => read(objectOr(objectOr(container)['resources'])[field]);
  const init = objectsOf(spec['initContainers']);
  const isSidecar = (one: Record<string, unknown>) => one['restartPolicy'] === 'Always';
  const running = [...objectsOf(spec['containers']), ...init.filter(isSidecar)];
  let sum = running.map(of).reduce((a, b) => merged(a, b, addQuantities), {});
  let before: Amounts = {};
  for (const one of init) {
    if (isSidecar(one)) before = merged(before, of(one), addQuantities);
    else sum = merged(sum, merged(of(one), before, addQuantities), larger);
  }
  return merged(sum, read(spec['overhead']), addQuantities);
}

export function usageOf(pod: KubeObject): Usage {
  const spec = objectOr(pod['spec']);
  return { requests: podAmounts(spec, 'requests'), limits: podAmounts(spec, 'limits') };
}

export function sumOf(all: readonly Usage[]): Usage {
  const add = (a: Amounts, b: Amounts) => merged(a, b, addQuantities);
  return {
    requests: all.map(({ requests }) => requests).reduce(add, {}),
    limits: all.map(({ limits }) => limits).reduce(add, {}),
  };
}

export function formatted(amounts: Amounts, name: string): string {
  const amount = amounts[name];
  return amount === undefined ? '0' : formatQuantity(amount);
}

/** Whole percent of what the node has. */
export function percent(amounts: Amounts, name: string, of: Record<string, unknown>): number {
  const amount = amounts[name];
  const all = of[name] === undefined ? undefined : parseQuantity(String(of[name]));
  if (amount === undefined || all === undefined || all.nano === 0n) return 0;
  return Number((amount.nano * 100n) / all.nano);
}
