/** The cluster's side of a node's network: what Services, pods and other nodes ask of its table, and names. */
import type { Log } from '#controller/runtime/log.ts';
import type { ClusterView } from './cluster-view.ts';
import { Resolver } from './dns/resolver.ts';
import { type DnsServer, serveDns } from './dns/server.ts';
import { Upstream } from './dns/upstream.ts';
import { Zone } from './dns/zone.ts';
import { NodeRoutes } from './node-routes.ts';
import type { NodeNetwork, PodNetwork } from './pod-network.ts';
import { PolicyRules } from './policies/policy-rules.ts';
import { ServiceRules } from './services/service-rules.ts';

export interface ClusterNetworkOptions {
  readonly view: ClusterView;
  readonly network: NodeNetwork;
  readonly nodeName: string;
  readonly podCidr: string;
  /** What names of the cluster end with, and the address of the Service that pods ask for names. */
  readonly names: { readonly domain: string; readonly address: string };
  readonly log: Log;
}

/** The Service whose address is in the pods' resolver files; each node answers it by itself. */
const dnsService = 'kube-system/kube-dns';
const dnsPort = 53;

export class ClusterNetwork {
  readonly #options: ClusterNetworkOptions;
  readonly #routes: NodeRoutes;
  #rules: ServiceRules | undefined;
  #policies: PolicyRules | undefined;
  #dns: DnsServer | undefined;
  #isClosed = false;

  constructor(options: ClusterNetworkOptions) {
    this.#options = options;
    const { view, nodeName, podCidr, log } = options;
    this.#routes = new NodeRoutes({ nodes: view.nodes, nodeName, podCidr, log });
  }

  async start(): Promise<void> {
    const { view, network, nodeName, log } = this.#options;
    this.#routes.start();
    this.#dns = await this.#serveNames();
    if (this.#isClosed) return this.#dns?.close();
    const answered = new Map(
      this.#dns === undefined
        ? []
        : [[dnsService, { ip: network.gateway, port: this.#dns.port }] as const],
    );
    this.#rules = new ServiceRules({ view, table: network.table, nodeName, answered, log });
    this.#rules.start();
    this.#startPolicies();
  }

  close(): void {
    this.#isClosed = true;
    this.#routes.close();
    this.#rules?.close();
    this.#policies?.close();
    this.#dns?.close();
  }

  #startPolicies(): void {
    const { view, network, nodeName, log } = this.#options;
    const { table } = network;
    const policies = new PolicyRules({
      view,
      nodeName,
      log,
      nft: table,
      table: table.policyTable,
      dns: this.#dns === undefined ? undefined : { ip: network.gateway, port: this.#dns.port },
    });
    table.onReload = () => policies.rebuild();
    policies.start();
    this.#policies = policies;
  }

  async #serveNames(): Promise<DnsServer | undefined> {
    const { view, network, names, log } = this.#options;
    const { domain, address } = names;
    const upstream = new Upstream({ own: [network.gateway, address] });
    const resolver = new Resolver(new Zone({ domain, view }), upstream);
    try {
      return await serveDns(network.gateway, dnsPort, resolver);
    } catch (error) {
      log.warn('pods of this node cannot look up names', { error });
      return undefined;
    }
  }
}

/** Starts it and gives what ends it; a network without a table (in tests) has no part in the cluster's. */
export function joinNetwork({
  network,
  ...options
}: Omit<ClusterNetworkOptions, 'network'> & { readonly network: PodNetwork | NodeNetwork }) {
  if (!('table' in network)) return undefined;
  const cluster = new ClusterNetwork({ ...options, network });
  void cluster.start();
  return () => cluster.close();
}
