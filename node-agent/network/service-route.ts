/**
 * A way to Services' addresses for the node itself. They are translated before they go anywhere, but the kernel looks for a
 * route first: a machine without a default route has none.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { configure, linkIndex } from '#native/netlink.ts';
import { addRoute, deleteRoute } from '#native/netlink-requests.ts';

export interface ServiceRouteOptions {
  /** The link that a route is put on; nothing is ever sent there. */
  readonly bridge: string;
  readonly gateway: string;
  readonly serviceCidr: string;
}

/** Adds a route to the range if nothing else leads there. A way of its own would hide a real network of these addresses. */
export async function ensureServiceRoute(options: ServiceRouteOptions): Promise<void> {
  const { bridge, gateway, serviceCidr } = options;
  const route = { destination: serviceCidr, index: await linkIndex(bridge), source: gateway };
  await configure([deleteRoute(route)]);
  const [address = ''] = serviceCidr.split('/');
  if (!(await isRouted(address))) await configure([addRoute(route)]);
}

async function isRouted(address: string): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.connect(1, address);
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
