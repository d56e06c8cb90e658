/**
 * Keeps the node's policy table what NetworkPolicies say. Pods and namespaces of the whole cluster are followed only while there
 * is a policy. Set elements go over netlink, so that a pod that comes or goes costs its own size.
 */
import { Subscription } from 'rxjs/internal/Subscription';
import * as types from '#api/resources/resource-types.ts';
import type { Namespace, NetworkPolicy, Pod } from '#api/resources/types.ts';
import type { Cache } from '#controller/runtime/cache.ts';
import { changeElements, type ElementChange } from '#native/nftables.ts';
import type { ClusterView } from '../cluster-view.ts';
import { encodeElement } from '../services/set-schema.ts';
import { type CompiledPolicy, compilePolicy } from './compile.ts';
import {
  type Membership,
  membershipOf,
  type PolicyPod,
  type WantedTable,
  wantedTable,
} from './plan.ts';
import { changeText, type PolicyTableOptions, wholeText } from './table-text.ts';

export interface PolicyRulesOptions extends PolicyTableOptions {
  readonly view: Pick<ClusterView, 'follow'>;
  readonly nodeName: string;
  /** Runs `nft -f -`; and tells of changes over netlink, so that they are known to be ours. */
  readonly nft: {
    run(text: string): Promise<void>;
    change(work: () => Promise<void>): Promise<void>;
  };
  readonly log: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
}

const retryMs = { first: 500, longest: 30_000 };
const ended = new Set(['Succeeded', 'Failed']);

/** What of a pod policies look at; `undefined` while it has no address of its own. */
export function policyPod(pod: Pod, nodeName: string): PolicyPod | undefined {
  const { metadata, spec, status } = pod;
  const ip = status?.podIP ?? '';
  if (ip === '' || ip.includes(':') || spec?.hostNetwork === true) return undefined;
  if (ended.has(status?.phase ?? '')) return undefined;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const ports = containers
    .flatMap((container) => container.ports ?? [])
    .flatMap(({ name, protocol = 'TCP', containerPort }) =>
      name === undefined ? [] : [{ name, protocol: protocol.toLowerCase(), port: containerPort }],
    );
  const { namespace = '', labels = {} } = metadata;
  return { namespace, labels, ip, ports, isLocal: spec?.nodeName === nodeName };
}

export class PolicyRules {
  readonly #options: PolicyRulesOptions;
  readonly #policies: Cache<NetworkPolicy>;
  readonly #changes = new Subscription();
  #pods: Cache<Pod> | undefined;
  #namespaces: Cache<Namespace> | undefined;
  #compiled: readonly CompiledPolicy[] = [];
  readonly #members = new Map<string, { readonly pod: PolicyPod; readonly member: Membership }>();
  /** What the kernel has; `undefined`: not known, the whole table is written. */
  #present: WantedTable | undefined;
  #isStale = true;
  #running = false;
  #again = false;
  #backoffMs = retryMs.first;

  constructor(options: PolicyRulesOptions) {
    this.#options = options;
    this.#policies = options.view.follow<NetworkPolicy>(types.networkPolicies);
  }

  start(): void {
    const recompile = () => {
      this.#isStale = true;
      this.#wake();
    };
    this.#changes.add(this.#policies.changes.subscribe(recompile));
    void this.#policies.synced().then(recompile);
  }

  close(): void {
    this.#changes.unsubscribe();
  }

  /** Somebody else has changed the ruleset. */
  rebuild(): void {
    this.#present = undefined;
    this.#wake();
  }

  /** The first policy: from now on pods and namespaces are followed. */
  #follow(): { pods: Cache<Pod>; namespaces: Cache<Namespace> } {
    this.#pods ??= this.#followPods();
    this.#namespaces ??= this.#followNamespaces();
    return { pods: this.#pods, namespaces: this.#namespaces };
  }

  #followPods(): Cache<Pod> {
    const pods = this.#options.view.follow<Pod>(types.pods);
    this.#changes.add(
      pods.changes.subscribe(({ key }) => {
        if (!this.#isStale) this.#place(key);
        this.#wake();
      }),
    );
    void pods.synced().then(() => this.#wake());
    return pods;
  }

  #followNamespaces(): Cache<Namespace> {
    const namespaces = this.#options.view.follow<Namespace>(types.namespaces);
    this.#changes.add(
      namespaces.changes.subscribe(() => {
        this.#isStale = true;
        this.#wake();
      }),
    );
    void namespaces.synced().then(() => this.#wake());
    return namespaces;
  }

  #place(key: string): void {
    const pod = this.#pods?.get(key);
    const place = pod === undefined ? undefined : policyPod(pod, this.#options.nodeName);
    if (place === undefined) {
      this.#members.delete(key);
      return;
    }
    const labelsOf = (name: string) => this.#namespaces?.get(name)?.metadata.labels ?? {};
    this.#members.set(key, { pod: place, member: membershipOf(place, this.#compiled, labelsOf) });
  }

  #wake(): void {
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#again && !this.#changes.closed) {
      this.#again = false;
      try {
        await this.#pass();
        this.#backoffMs = retryMs.first;
      } catch (error) {
        this.#present = undefined;
        const why = error instanceof Error ? error.message : String(error);
        this.#options.log.warn('network policies are not enforced as they say', { why });
        setTimeout(() => this.#wake(), this.#backoffMs).unref();
        this.#backoffMs = Math.min(this.#backoffMs * 2, retryMs.longest);
      }
    }
    this.#running = false;
  }

  async #pass(): Promise<void> {
    if (!this.#policies.isSynced) return;
    if (this.#policies.size > 0) {
      const { pods, namespaces } = this.#follow();
      // What an earlier life of the agent enforced stays until all is known.
      if (!pods.isSynced || !namespaces.isSynced) return;
    }
    if (this.#isStale) this.#recompile();
    const wanted = wantedTable(this.#compiled, this.#members.values());
    await this.#bring(wanted);
    this.#present = wanted;
  }

  #recompile(): void {
    this.#compiled = [...this.#policies.all()].map(compilePolicy);
    this.#members.clear();
    for (const key of this.#compiled.length === 0 ? [] : (this.#pods?.keys() ?? []))
      this.#place(key);
    this.#isStale = false;
  }

  async #bring(wanted: WantedTable): Promise<void> {
    const { table, nft } = this.#options;
    const before = this.#present;
    if (before === undefined) {
      // No policy, no table.
      const isEmpty = this.#compiled.length === 0;
      const removal = `add table ip ${table}\ndelete table ip ${table}\n`;
      return nft.run(isEmpty ? removal : wholeText(this.#options, wanted));
    }
    if (before.chains.size === 0 && wanted.chains.size > 0)
      return nft.run(wholeText(this.#options, wanted));
    if (before.chains.size === 0) return;
    const text = changeText(table, before, wanted);
    if (text !== '') await nft.run(text);
    const changes = elementChanges(before, wanted);
    if (changes.length > 0) await nft.change(() => changeElements(table, changes));
  }
}

/** Of sets that both have. */
function elementChanges(before: WantedTable, after: WantedTable): ElementChange[] {
  return [...after.sets].flatMap(([set, { holds, elements }]) => {
    const old = before.sets.get(set)?.elements;
    if (old === undefined) return [];
    const shape = ({ address: 'peers', port: 'ports', pair: 'itself' } as const)[holds];
    const encoded = (keys: readonly string[]) => keys.map((key) => encodeElement(shape, key));
    const gone = [...old].filter((key) => !elements.has(key));
    const come = [...elements].filter((key) => !old.has(key));
    const change = (op: 'add' | 'delete', keys: readonly string[]): ElementChange[] =>
      keys.length === 0 ? [] : [{ set, op, elements: encoded(keys) }];
    return [...change('delete', gone), ...change('add', come)];
  });
}
