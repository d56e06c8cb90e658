/** What the pod side asks of the network side. */
import type { ElementTable } from './services/element-table.ts';

export interface PodAddress {
  readonly ip: string;
  /** The network namespace, as `SandboxSpec.netnsPath` wants it. */
  readonly netnsPath: string;
}

export interface PodNetwork {
  /** Makes the bridge and reads which pods are attached already (after a restart). Call once, first. */
  start(): Promise<void>;
  /** Namespace, loopback, veth to the bridge, address, default route. The same pod gets the same answer again. */
  attach(podUid: string): Promise<PodAddress>;
  /** Takes all of it away; nothing there is no error. */
  detach(podUid: string): Promise<void>;
  attached(): readonly string[];
  /** Where `attach` puts a pod's namespace: known before it is there, so that a sandbox can be made meanwhile. */
  netnsPath(podUid: string): string;
  /** Lets go of what was made in idle time; pods keep what they have. Nothing is attached after it. */
  close(): Promise<void>;
  /** Takes everything away: pods' namespaces, bridge, nftables table, state. Also without `start`; nothing there is no error. */
  destroy(): Promise<void>;
  /** The node's own address on the bridge. */
  readonly gateway: string;
}

/** The same with what the cluster's side of the network works on. */
export interface NodeNetwork extends PodNetwork {
  /** The node's nftables table; opened by `start`. */
  readonly table: ElementTable;
}
