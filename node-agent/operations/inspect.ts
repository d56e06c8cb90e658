/** What only the node knows of a container: `docker inspect` has it beside what the document says. */
import { inspectImage } from '../image/describe.ts';
import { ImageError } from '../image/images.ts';
import { type Call, sendJson } from '../server/node-api.ts';
import { treeBytes } from '../volume/named-volumes.ts';
import type { OperationsWorld, Place } from './place.ts';

/** An image that was removed below its container is none. */
const imageOf = (world: OperationsWorld, reference: string): Promise<object | undefined> =>
  inspectImage(world.images.shelf(), reference).catch((error: unknown) => {
    if (error instanceof ImageError && error.code === 'NotFound') return undefined;
    throw error;
  });

/** `size=true`: also what its writable layer takes. */
export async function sendFacts(world: OperationsWorld, place: Place, call: Call): Promise<void> {
  const { pid = 0, upper, work, lowers, mounts, image } = place;
  const isSized = call.query.get('size') === 'true';
  sendJson(call.response, {
    pid,
    mounts,
    image: await imageOf(world, image),
    layers: { upper, work, lowers },
    ...(isSized ? { writtenBytes: await treeBytes(upper) } : {}),
  });
}
