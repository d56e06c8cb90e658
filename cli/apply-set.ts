/**
 * What `bay apply --prune` has applied under one name, kept in a ConfigMap: so that it knows what to remove when a document
 * goes. Objects are known by uid; one that somebody made anew under the same name is not ours.
 */
import type { RemoteClient } from '#api/client/client.ts';
import type { ApiObject } from '#api/client/collection.ts';
import { apiVersionOf, type ResourceType } from '#api/resources/meta.ts';
import { configMaps } from '#api/resources/resource-types.ts';
import { hasReason } from '#api/resources/status.ts';
import { objectLabel } from './object-name.ts';

export interface Member {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly namespace?: string | undefined;
  readonly name: string;
  /** Absent: about to be made. */
  readonly uid?: string | undefined;
}

interface ConfigMap extends ApiObject {
  data?: Record<string, string>;
}

/** With these goes what people cannot make again; as GitSync has it. */
const keptKinds = new Set(
  'Namespace CustomResourceDefinition PersistentVolumeClaim PersistentVolume'.split(' '),
);
const pruneAnnotation = 'bayplan.dev/prune';

export const memberOf = (type: ResourceType, object: ApiObject, uid?: string): Member => ({
  group: type.group,
  version: type.version,
  plural: type.plural,
  kind: type.kind,
  namespaced: type.namespaced,
  namespace: type.namespaced ? object.metadata.namespace : undefined,
  name: object.metadata.name,
  uid,
});

const idOf = ({ group, kind, namespace = '', name }: Member) =>
  `${group}/${kind}/${namespace}/${name}`;

export class ApplySet {
  readonly #client: RemoteClient;
  readonly #ref: { readonly namespace: string; readonly name: string };
  #held: ConfigMap | undefined;
  #members: readonly Member[] = [];

  constructor(client: RemoteClient, namespace: string, name: string) {
    this.#client = client;
    this.#ref = { namespace, name: `bay-apply-${name}` };
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  async read(): Promise<void> {
    try {
      this.#held = await this.#maps.get(this.#ref);
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
    this.#members = JSON.parse(this.#held?.data?.['objects'] ?? '[]') as Member[];
  }

  /** Whoever else writes it meanwhile makes this fail: two do not prune at once. */
  async write(members: readonly Member[]): Promise<void> {
    const data = { objects: JSON.stringify(members) };
    if (this.#held?.data?.['objects'] === data.objects) return;
    const made: ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...this.#ref },
      data,
    };
    this.#held =
      this.#held === undefined
        ? await this.#maps.create(made)
        : await this.#maps.update({ ...this.#held, data });
    this.#members = members;
  }

  /** The members with those that are about to be made. */
  async intend(wanted: readonly Member[]): Promise<void> {
    const known = new Set(this.#members.map(idOf));
    await this.write([...this.#members, ...wanted.filter((one) => !known.has(idOf(one)))]);
  }

  /** Removes what is not among the wanted; tells of each, and forgets what has gone. */
  async prune(wanted: readonly Member[], tell: (label: string, what: 'pruned' | 'kept') => void) {
    const names = new Set(wanted.map(idOf));
    const left: Member[] = [];
    for (const member of this.#members) {
      if (names.has(idOf(member))) continue;
      const what = await this.#remove(member);
      if (what === 'gone') continue;
      tell(objectLabel(member, member.name), what);
      if (what === 'kept') left.push(member);
    }
    await this.write([...wanted, ...left]);
  }

  async #remove(member: Member): Promise<'gone' | 'pruned' | 'kept'> {
    const { namespace, name, uid } = member;
    const collection = this.#client.collection<ApiObject>(member);
    const ref = namespace === undefined ? { name } : { namespace, name };
    try {
      const live = await collection.get(ref);
      if (uid === undefined || live.metadata.uid !== uid) return 'gone';
      const said = live.metadata.annotations?.[pruneAnnotation];
      if (said === 'false' || (said !== 'true' && keptKinds.has(member.kind))) return 'kept';
      await collection.delete(ref, { preconditions: { uid }, propagationPolicy: 'Background' });
      return 'pruned';
    } catch (error) {
      if (hasReason(error, 'NotFound')) return 'gone';
      throw new Error(`prune ${objectLabel(member, name)} (${apiVersionOf(member)}): ${error}`, {
        cause: error,
      });
    }
  }

  get #maps() {
    return this.#client.collection<ConfigMap>(configMaps);
  }
}
