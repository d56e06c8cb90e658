/**
 * Routes to the pods of other nodes: through the node's own address, which must be on a network that both are on. Nothing is
 * wrapped; what pods send keeps its source.
 */
import { Subscription } from 'rxjs/internal/Subscription';
import type { Node } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { configure, listNodeRoutes } from '#native/netlink.ts';
import { addRoute, deleteRoute, NODE_ROUTES, type Route } from '#native/netlink-requests.ts';

export interface NodeRoutesOptions {
  readonly nodes: Cache<Node>;
  readonly nodeName: string;
  readonly podCidr: string;
  readonly log: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
}

/** Wrong routes and lost ones are put right at least so often. */
const lookMs = 10_000;

const v4 = /^\d+\.\d+\.\d+\.\d+$/;
const network = /^\d+\.\d+\.\d+\.\d+\/\d+$/;

const addressOf = ({ status }: Node): string =>
  status?.addresses?.find(({ type, address }) => type === 'InternalIP' && v4.test(address))
    ?.address ?? '';

/** Other nodes' pods → those nodes. A node that can only be reached on its own machine has no route. Pure. */
export function wantedRoutes(
  nodes: Iterable<Node>,
  self: { readonly nodeName: string; readonly podCidr: string },
): ReadonlyMap<string, string> {
  const all = [...nodes];
  const own = all.find(({ metadata }) => metadata.name === self.nodeName);
  const ownAddress = own === undefined ? '' : addressOf(own);
  const routes = new Map<string, string>();
  for (const node of all) {
    const destination = node.spec?.podCIDR ?? '';
    const gateway = addressOf(node);
    if (node.metadata.name === self.nodeName || destination === self.podCidr) continue;
    if (!network.test(destination) || gateway === '' || gateway === ownAddress) continue;
    if (!gateway.startsWith('127.')) routes.set(destination, gateway);
  }
  return routes;
}

const keyOf = ({ destination, gateway }: Route): string => `${destination} ${gateway}`;

export class NodeRoutes {
  readonly #options: NodeRoutesOptions;
  readonly #work = new Subscription();
  readonly #told = new Map<string, string>();
  #running: Promise<void> = Promise.resolve();

  constructor(options: NodeRoutesOptions) {
    this.#options = options;
  }

  start(): void {
    const { nodes } = this.#options;
    void nodes.synced().then(() => this.#look());
    this.#work.add(nodes.changes.subscribe(() => this.#look()));
    const timer = setInterval(() => this.#look(), lookMs).unref();
    this.#work.add(() => clearInterval(timer));
  }

  /** Routes stay: pods go on to reach each other while the agent is away. */
  close(): void {
    this.#work.unsubscribe();
  }

  /** One look at a time; changes meanwhile are seen by the next. */
  #look(): void {
    if (!this.#options.nodes.isSynced) return;
    this.#running = this.#running.then(() => this.#pass()).catch(() => undefined);
  }

  async #pass(): Promise<void> {
    if (this.#work.closed) return;
    const { nodes, nodeName, podCidr } = this.#options;
    const wanted = wantedRoutes(nodes.all(), { nodeName, podCidr });
    const present = new Map((await listNodeRoutes()).map((route) => [keyOf(route), route]));
    const gone = [...present.values()].filter(
      ({ destination = '', gateway }) => wanted.get(destination) !== gateway,
    );
    // A named cluster of the same machine has routes of its own; only what was ours is taken away.
    const ours = gone.filter(({ destination = '' }) => this.#isOurs(destination));
    if (ours.length > 0) await configure(ours.map((route) => deleteRoute(route, NODE_ROUTES)));
    for (const [destination, gateway] of wanted) {
      if (!present.has(keyOf({ destination, gateway }))) await this.#add(destination, gateway);
    }
  }

  #isOurs(destination: string): boolean {
    const start = (cidr: string) => cidr.split('.').slice(0, 2).join('.');
    return start(destination) === start(this.#options.podCidr);
  }

  async #add(destination: string, gateway: string): Promise<void> {
    const { log } = this.#options;
    try {
      await configure([addRoute({ destination, gateway }, NODE_ROUTES)]);
      this.#told.delete(destination);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (this.#told.get(destination) === why) return;
      this.#told.set(destination, why);
      log.warn('the pods of a node are not reached: is its address on a network of this node?', {
        pods: destination,
        node: gateway,
        why,
      });
    }
  }
}

/** Takes all routes to other nodes of these pods' cluster away. */
export async function removeNodeRoutes(podCidr: string): Promise<void> {
  const start = podCidr.split('.').slice(0, 2).join('.');
  const ours = (await listNodeRoutes()).filter(({ destination = '' }) =>
    destination.startsWith(`${start}.`),
  );
  if (ours.length > 0) await configure(ours.map((route) => deleteRoute(route, NODE_ROUTES)));
}
