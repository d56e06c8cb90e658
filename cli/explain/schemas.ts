/** The schemas of one group and version, from the server's OpenAPI v3. */
import type { RemoteClient } from '#api/client/client.ts';
import { objectOr, objectsOf } from '#api/resources/json.ts';
import type { DiscoveredType } from '../discovery.ts';

export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly [more: string]: unknown;
}

const prefix = '#/components/schemas/';

export class Schemas {
  readonly #all: Readonly<Record<string, Schema>>;

  private constructor(all: Readonly<Record<string, Schema>>) {
    this.#all = all;
  }

  /** @throws Error if the server tells no schemas of the group */
  static async read(client: RemoteClient, { group, version }: DiscoveredType): Promise<Schemas> {
    const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
    const { paths } = (await client.request('GET', '/openapi/v3')) as {
      paths: Readonly<Record<string, { serverRelativeURL: string }>>;
    };
    const url = paths[path]?.serverRelativeURL;
    if (url === undefined) throw new Error(`the server tells no schema of ${path}`);
    const document = (await client.request('GET', url)) as { components: unknown };
    return new Schemas(
      objectOr(objectOr(document.components)['schemas']) as Record<string, Schema>,
    );
  }

  /** The type's own. @throws Error if there is none */
  of({ group, version, kind }: DiscoveredType): Schema {
    const found = Object.values(this.#all).find((schema) =>
      objectsOf(schema['x-kubernetes-group-version-kind']).some(
        (one) =>
          (one['group'] ?? '') === group && one['version'] === version && one['kind'] === kind,
      ),
    );
    if (found === undefined) throw new Error(`the server tells no schema of ${kind}`);
    return found;
  }

  /** What a reference means: the schema and the last part of its name. */
  #referenced(schema: Schema): { readonly schema: Schema; readonly name: string } | undefined {
    const [only] = schema.allOf ?? [];
    const ref = schema.$ref ?? (schema.allOf?.length === 1 ? only?.$ref : undefined);
    if (ref === undefined) return undefined;
    const name = ref.slice(prefix.length);
    const found = this.#all[name];
    return found === undefined
      ? undefined
      : { schema: found, name: name.split('.').at(-1) ?? name };
  }

  /** The schema with its fields: of a list or a map, its items'. */
  inner(schema: Schema): Schema {
    const referenced = this.#referenced(schema);
    if (referenced !== undefined) return this.inner(referenced.schema);
    if (schema.items !== undefined) return this.inner(schema.items);
    if (typeof schema.additionalProperties === 'object')
      return this.inner(schema.additionalProperties);
    return schema;
  }

  /** `PodSpec`, `[]Container`, `map[string]string`, `integer`. */
  typeOf(schema: Schema): string {
    const referenced = this.#referenced(schema);
    if (referenced !== undefined) {
      const { schema: of, name } = referenced;
      // Named scalars (Time, Quantity) are told by what they are.
      const isNamed =
        of.properties !== undefined || of.type === 'object' || of['oneOf'] !== undefined;
      return isNamed ? name : this.typeOf(of);
    }
    if (schema.items !== undefined) return `[]${this.typeOf(schema.items)}`;
    if (typeof schema.additionalProperties === 'object') {
      const values = this.typeOf(schema.additionalProperties);
      return values === 'Object' ? values : `map[string]${values}`;
    }
    if (schema.type === undefined || schema.type === 'object') return 'Object';
    return schema.type;
  }

  /** What is said of the field, then of its type. */
  descriptionsOf(schema: Schema): string[] {
    const referenced = this.#referenced(schema);
    const own = schema.description === undefined ? [] : [schema.description];
    if (referenced !== undefined) return [...own, ...this.descriptionsOf(referenced.schema)];
    if (schema.items !== undefined) return [...own, ...this.descriptionsOf(schema.items)];
    return own;
  }
}
