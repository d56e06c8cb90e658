/** One object and the managers that write it, without a server. */
import { isLeft } from 'fp-ts/lib/Either.js';
import { applyConfiguration } from '#api/managed-fields/apply.ts';
import { pathTexts } from '#api/managed-fields/field-set.ts';
import { storedManagers } from '#api/managed-fields/managers.ts';
import { trackUpdate, withEntries } from '#api/managed-fields/update.ts';
import { versionsOf } from '#api/managed-fields/versions.ts';
import type { JsonObject } from '#api/resources/json.ts';
import { apiVersionOf, type KubeObject } from '#api/resources/meta.ts';
import type { StatusError } from '#api/resources/status.ts';
import { customKinds } from '#api/schema/custom.ts';
import type { Kind } from '#api/schema/kind.ts';
import { createKinds } from '#api/schema/kinds.ts';
import type { JsonSchema } from '#api/schema/structural.ts';

export const kinds = createKinds();

export const builtIn = (group: string, plural: string, version = 'v1'): Kind =>
  kinds.find(group, version, plural) as Kind;

/** A kind whose objects have these fields beside metadata. */
export function customKind(properties: Record<string, JsonSchema>): Kind {
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: 'object', properties } },
  };
  const [kind] = customKinds({
    metadata: { name: 'things.example.com', uid: 'u' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [version],
    },
  } as never);
  return kind as Kind;
}

export interface Options {
  readonly subresource?: string;
  readonly force?: boolean;
  readonly at?: string;
  /** For objects of another version. */
  readonly kind?: Kind;
}

export class World {
  readonly #kind: Kind;
  live: KubeObject | undefined;

  constructor(kind: Kind, live?: KubeObject) {
    this.#kind = kind;
    this.live = live;
  }

  /** `fields` with what every object has. */
  object(fields: JsonObject, kind = this.#kind): KubeObject {
    const metadata = { name: 'it', namespace: 'default', ...(fields['metadata'] as object) };
    return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...fields, metadata } as KubeObject;
  }

  /** Applies; the error if it is refused. */
  apply(manager: string, fields: JsonObject, options: Options = {}): StatusError | undefined {
    const kind = options.kind ?? this.#kind;
    const result = applyConfiguration({
      kind,
      live: this.live,
      applied: this.object(fields, kind),
      writer: this.#writer(manager, options),
      force: options.force === true,
      versions: versionsOf(kinds),
    });
    if (isLeft(result)) return result.left;
    const { uid = 'u-1' } = result.right.object.metadata;
    const object = { ...result.right.object };
    object.metadata = { ...object.metadata, uid };
    this.live = withEntries(object, result.right.entries);
    return undefined;
  }

  /** Creates or replaces; managers that the object names count, as in a request. */
  update(manager: string, fields: JsonObject, options: Options = {}): void {
    const { managedFields } = this.live?.metadata ?? {};
    const next = this.object(fields, options.kind);
    const sent = 'managedFields' in next.metadata || managedFields === undefined;
    const metadata = { uid: 'u-1', ...next.metadata, ...(sent ? {} : { managedFields }) };
    this.live = trackUpdate(
      options.kind ?? this.#kind,
      this.live,
      { ...next, metadata },
      this.#writer(manager, options),
      versionsOf(kinds),
    );
  }

  #writer(manager: string, { subresource = '', at = '00' }: Options) {
    return { manager, subresource, now: new Date(`2030-01-01T00:00:${at}Z`) };
  }

  /** `manager operation[/subresource]` -> the paths it owns. */
  get owners(): Record<string, string[]> {
    return Object.fromEntries(
      storedManagers(this.live).map(({ manager, operation, subresource, fields }) => [
        `${manager} ${operation}${subresource === '' ? '' : `/${subresource}`}`,
        pathTexts(fields),
      ]),
    );
  }

  /** The object without metadata and type. */
  get fields(): JsonObject {
    const { apiVersion: _1, kind: _2, metadata: _3, ...fields } = this.live as KubeObject;
    return fields;
  }
}
