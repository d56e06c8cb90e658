/** Which endpoints are meant for this node by the hints of their slices (`pkg/proxy/topology.go`). Pure. */
import type { EndpointSlice } from '#api/resources/types.ts';

type Hints = NonNullable<NonNullable<EndpointSlice['endpoints']>[number]['hints']>;

/** Where a node is, and by which addresses it is known. */
export interface NodePlace {
  readonly nodeName: string;
  /** Its label `topology.kubernetes.io/zone`; '': it has none. */
  readonly zone: string;
  readonly addresses: readonly string[];
}

export interface Hinted {
  readonly hints?: Hints | undefined;
}

const namesIn = (list: readonly { readonly name: string }[] | undefined): string[] =>
  (list ?? []).map(({ name }) => name);

/**
 * Those that are hinted for the node, or else for its zone. Hints count only when every endpoint has one and one is for here:
 * else all are.
 */
export function nearest<T extends Hinted>(
  ready: readonly T[],
  { nodeName, zone }: NodePlace,
): readonly T[] {
  const kinds = [
    [nodeName, ({ hints }: T) => namesIn(hints?.forNodes)],
    [zone, ({ hints }: T) => namesIn(hints?.forZones)],
  ] as const;
  for (const [here, hintsOf] of kinds) {
    if (ready.some((one) => hintsOf(one).length === 0)) continue;
    const near = ready.filter((one) => hintsOf(one).includes(here));
    if (near.length > 0) return near;
  }
  return ready;
}
