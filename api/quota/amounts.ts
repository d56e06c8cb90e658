/** Amounts by resource name, exactly. */
import type { JsonObject } from '#api/resources/json.ts';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  InvalidQuantity,
  parseQuantity,
  type Quantity,
} from '#api/resources/quantity.ts';

export type Amounts = ReadonlyMap<string, Quantity>;

/** The quantities of a resource list; what is none (validation tells of it) is left out. */
export function amountsOf(list: JsonObject): Map<string, Quantity> {
  const amounts = new Map<string, Quantity>();
  for (const [name, text] of Object.entries(list)) {
    if (typeof text !== 'string' && typeof text !== 'number') continue;
    try {
      amounts.set(name, parseQuantity(text));
    } catch (error) {
      if (!(error instanceof InvalidQuantity)) throw error;
    }
  }
  return amounts;
}

export function add(to: Map<string, Quantity>, more: Amounts): void {
  for (const [name, amount] of more) to.set(name, addQuantities(to.get(name) ?? '0', amount));
}

/** Each at least what `least` says. */
export function raise(to: Map<string, Quantity>, least: Amounts): void {
  for (const [name, amount] of least) {
    const held = to.get(name);
    if (held === undefined || compareQuantities(held, amount) < 0) to.set(name, amount);
  }
}

export const number = (count: number): Quantity => parseQuantity(count);

/** As a resource list. */
export function listOf(amounts: Amounts): Record<string, string> {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(amount)]));
}

/** As Kubernetes' messages have them: `cpu=1,memory=1Gi`. */
export function described(amounts: Amounts, names: readonly string[]): string {
  return [...names]
    .sort()
    .map((name) => `${name}=${formatQuantity(amounts.get(name) ?? number(0))}`)
    .join(',');
}
