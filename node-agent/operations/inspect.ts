/** What only the node knows of a container: `docker inspect` has it beside what the document says. */
import { inspectImage } from '../image/describe.ts';
import { ImageError } from '../image/images.ts';
import { macOf } from '../network/cidr.ts';
import { readHealthLog } from '../pod/health-log.ts';
import { type Call, sendJson } from '../server/node-api.ts';
import { treeBytes } from '../volume/named-volumes.ts';
import type { OperationsWorld, Place } from './place.ts';

/** An image that was removed below its container is none. */
const imageOf = (world: OperationsWorld, reference: string): Promise<object | undefined> =>
  inspectImage(world.images.shelf(), reference).catch((error: unknown) => {
    if (error instanceof ImageError && error.code === 'NotFound') return undefined;
    throw error;
  });

/** Of a container with an address of its own, as its link in the pod's namespace has it. */
function networkOf({ pods, network }: OperationsWorld, { namespace, name, id }: Place) {
  const found = id === undefined ? undefined : pods.find(namespace, name);
  const ip = found?.state.ip;
  if (ip === undefined || found?.pod?.spec?.hostNetwork === true) return undefined;
  return { gateway: network.gateway, mac: macOf(ip) };
}

/** `size=true`: also what its writable layer takes. */
export async function sendFacts(world: OperationsWorld, place: Place, call: Call): Promise<void> {
  const { pid = 0, uid, upper, work, lowers, mounts, image } = place;
  const isSized = call.query.get('size') === 'true';
  sendJson(call.response, {
    pid,
    mounts,
    image: await imageOf(world, image),
    layers: { upper, work, lowers },
    network: networkOf(world, place),
    health: uid === undefined ? undefined : await readHealthLog(world.kept.dir(uid)),
    ...(isSized ? { writtenBytes: await treeBytes(upper) } : {}),
  });
}
