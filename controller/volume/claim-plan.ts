/** What a claim needs next: a volume that is there, one that is made for it, or patience. Pure. */
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
} from '#api/resources/types.ts';
import {
  classOf,
  isBound,
  isReservedFor,
  suits,
  volumeFor,
} from '#controller/workload/volume-match.ts';
import { localVolume, provisioner, whyNotLocal } from './local-volume.ts';

/** Where the scheduler wants the volume of a claim that waits for its first consumer. */
export const selectedNode = 'volume.kubernetes.io/selected-node';

export interface View {
  readonly claim: PersistentVolumeClaim;
  readonly volumes: Iterable<PersistentVolume>;
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
  node(name: string): Node | undefined;
  /** For claims of a class that binds at once. */
  readonly nodes: Iterable<Node>;
}

export interface Told {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export type ClaimPlan =
  | { readonly type: 'nothing' }
  /** Volume and claim get each other's names, as far as they have not. */
  | { readonly type: 'bind'; readonly volume: PersistentVolume }
  | { readonly type: 'provision'; readonly volume: PersistentVolume }
  /** `refuse`: the scheduler is to look for another node. `ask`: somebody else makes such volumes. */
  | {
      readonly type: 'wait';
      readonly told?: Told;
      readonly refuse?: true;
      readonly ask?: string;
    }
  | { readonly type: 'lost'; readonly told: Told };

const normal = (reason: string, message: string): Told => ({ type: 'Normal', reason, message });
const warning = (reason: string, message: string): Told => ({ type: 'Warning', reason, message });

const wait = (told: Told): ClaimPlan => ({ type: 'wait', told });

export function claimPlan(view: View): ClaimPlan {
  const { claim } = view;
  if (claim.metadata.deletionTimestamp !== undefined) return { type: 'nothing' };
  if (isBound(claim)) return boundPlan(view);
  return (claim.spec?.volumeName ?? '') === '' ? openPlan(view) : namedPlan(view);
}

function boundPlan({ claim, volume: find }: View): ClaimPlan {
  const volume = find(claim.spec?.volumeName ?? '');
  const lost = (reason: string, message: string): ClaimPlan => ({
    type: 'lost',
    told: warning(reason, message),
  });
  if (volume === undefined) {
    const what = 'Bound claim has lost its PersistentVolume. Data on the volume is lost!';
    return lost('ClaimLost', what);
  }
  if (volume.spec?.claimRef === undefined || isReservedFor(volume, claim)) {
    return { type: 'bind', volume };
  }
  const twice = 'Two claims are bound to the same volume, this one is bound incorrectly';
  return lost('ClaimMisbound', twice);
}

/** The claim asks for one volume by name. */
function namedPlan({ claim, volume: find }: View): ClaimPlan {
  const name = claim.spec?.volumeName ?? '';
  const volume = find(name);
  if (volume === undefined) return { type: 'wait' };
  if (isReservedFor(volume, claim)) return { type: 'bind', volume };
  if (volume.spec?.claimRef !== undefined) {
    return wait(warning('FailedBinding', `volume "${name}" already bound to a different claim.`));
  }
  if (suits(volume, claim)) return { type: 'bind', volume };
  const why = 'requested volume is too small, or of another class or mode than the claim';
  return wait(warning('VolumeMismatch', `Cannot bind to requested volume "${name}": ${why}`));
}

function openPlan(view: View): ClaimPlan {
  const { claim, volumes, storageClass: findClass } = view;
  const storageClass = findClass(classOf(claim));
  const chosen = claim.metadata.annotations?.[selectedNode];
  if (storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && chosen === undefined) {
    for (const volume of volumes) if (isReservedFor(volume, claim)) return { type: 'bind', volume };
    const what = 'waiting for first consumer to be created before binding';
    return wait(normal('WaitForFirstConsumer', what));
  }
  const node = chosen === undefined ? undefined : view.node(chosen);
  const volume = volumeFor(claim, volumes, node);
  return volume === undefined ? make(view, storageClass, chosen) : { type: 'bind', volume };
}

function make(view: View, storageClass: StorageClass | undefined, chosen?: string): ClaimPlan {
  const { claim } = view;
  const name = classOf(claim);
  const failed = (why: string): ClaimPlan => wait(warning('ProvisioningFailed', why));
  if (name === '') {
    const none = 'no persistent volumes available for this claim and no storage class is set';
    return wait(normal('FailedBinding', none));
  }
  if (storageClass === undefined) return failed(`storageclass.storage.k8s.io "${name}" not found`);
  if (storageClass.provisioner === 'kubernetes.io/no-provisioner') {
    return wait(normal('FailedBinding', `no persistent volume of class "${name}" is available`));
  }
  if (storageClass.provisioner !== provisioner) {
    const who = storageClass.provisioner;
    const what =
      `Waiting for a volume to be created either by the external provisioner '${who}' or manually by the system ` +
      'administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.';
    return { type: 'wait', told: normal('ExternalProvisioning', what), ask: who };
  }
  const why = whyNotLocal(claim);
  if (why !== undefined) return failed(why);
  const node = chosen === undefined ? first(view.nodes) : view.node(chosen);
  const volume = node === undefined ? undefined : localVolume(claim, storageClass, node);
  if (volume !== undefined) return { type: 'provision', volume };
  const where =
    chosen === undefined
      ? `no node makes volumes of class "${name}"`
      : `the node "${chosen}" is gone or makes no volumes of class "${name}"`;
  const told = warning('ProvisioningFailed', where);
  return { type: 'wait', told, ...(chosen === undefined ? {} : { refuse: true }) };
}

/** Any node that makes volumes: the first by name. */
function first(nodes: Iterable<Node>): Node | undefined {
  return [...nodes].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))[0];
}
