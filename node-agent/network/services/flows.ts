/**
 * UDP has no end of a connection: as long as a client goes on sending, the kernel goes on sending to the endpoint it once
 * chose. Flows to endpoints that are gone are forgotten, so that the next packet is led anew.
 */
import { deleteFlows, type Flow, listFlows } from '#native/conntrack.ts';

/** Of the pool with the mark: flows that do not lead to one of `endpoints` (`ip port`). */
export interface EndedFlows {
  readonly mark: number;
  readonly endpoints: ReadonlySet<string>;
}

const UDP = 17;
/** More pools at once are not asked for one by one. */
const oneByOneMax = 16;

const isOver = ({ protocol, mark, reply }: Flow, ended: ReadonlyMap<number, EndedFlows>) =>
  protocol === UDP &&
  ended.get(mark)?.endpoints.has(`${reply.source} ${reply.sourcePort}`) === false;

/** Resolves with the number of flows that were forgotten. */
export async function endFlows(ended: readonly EndedFlows[]): Promise<number> {
  if (ended.length === 0) return 0;
  const byMark = new Map(ended.map((one) => [one.mark, one]));
  const asked =
    byMark.size > oneByOneMax
      ? [await listFlows(0x8000_0000, 0x8000_0000)]
      : await Promise.all([...byMark.keys()].map((mark) => listFlows(mark, 0xffff_ffff)));
  const over = asked.flat().filter((flow) => isOver(flow, byMark));
  await deleteFlows(over);
  return over.length;
}

/** Flows to a port of the node that began before it led anywhere. */
export async function endUnledFlows(ports: ReadonlySet<number>): Promise<void> {
  if (ports.size === 0) return;
  const flows = await listFlows(0, 0xffff_ffff);
  await deleteFlows(
    flows.filter(
      ({ protocol, original }) => protocol === UDP && ports.has(original.destinationPort),
    ),
  );
}
