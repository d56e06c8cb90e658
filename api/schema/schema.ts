/**
 * The one model of a type that serves decoding, validation, pruning, defaults, merge patches, OpenAPI and tables.
 * Built-in types are made from the tables of facts, custom ones from their CustomResourceDefinition: after that
 * nobody asks which of the two a schema was.
 */

export interface Schema {
  /** `any` takes every JSON value; `quantity`, `int-or-string` and `time`, `micro-time` are Kubernetes' own scalars. */
  readonly type:
    | 'object'
    | 'map'
    | 'array'
    | 'string'
    | 'integer'
    | 'number'
    | 'boolean'
    | 'bytes'
    | 'quantity'
    | 'int-or-string'
    | 'time'
    | 'micro-time'
    | 'any';
  /** The full name of a named type (`io.k8s.api.core.v1.PodSpec`): OpenAPI's component, protobuf's message. */
  readonly name?: string;
  /** `object`: the known fields by JSON name. */
  readonly fields?: ReadonlyMap<string, Field>;
  readonly required?: readonly string[];
  /** `array`: what it holds; `map`: what its values are. */
  readonly items?: Schema;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  /** Unknown fields are kept (`x-kubernetes-preserve-unknown-fields`). */
  readonly preserveUnknown?: boolean;
  /** The value is a whole object with `apiVersion`, `kind` and `metadata` (`x-kubernetes-embedded-resource`). */
  readonly embedded?: boolean;
  /** Server-side apply's view of a list or a map. */
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  readonly mapType?: 'atomic' | 'granular';
  /** Other shapes a value may have, told apart by JSON type: a definition's `additionalProperties` is a schema or a boolean. */
  readonly also?: readonly Schema[];
  /** JSON-schema bounds of custom kinds (`minimum`, `pattern`, `maxItems` …) as written in the CRD. */
  readonly constraints?: Readonly<Record<string, unknown>>;
}

export interface Field {
  readonly schema: Schema;
  readonly default?: unknown;
  /** Strategic merge: how lists and maps here are merged. */
  readonly patchStrategy?: readonly string[];
  readonly patchMergeKey?: string;
  /** The protobuf field number of built-in types. */
  readonly protobuf?: number;
  /** The field number of the message that this field is in on the wire, where JSON has the two flattened into one. */
  readonly protobufVia?: number;
  /** Protobuf: a zero (number, boolean, empty string) says "not set", for Go keeps it as a plain value. */
  readonly zeroIsUnset?: boolean;
}
