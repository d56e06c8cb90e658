/**
 * Bodies of requests -> objects: JSON, YAML and protobuf, led by the schema of the kind. What is unknown is dropped
 * (pruned) and, as `mode` says, refused, warned of or passed over. Custom kinds' types are checked later
 * (`checkTypes`), after defaults, as Kubernetes does.
 */
import * as Either from 'fp-ts/lib/Either.js';
import { apiVersionOf, type KubeObject, type ObjectMeta } from '../resources/meta.ts';
import { badRequest, invalid, StatusError } from '../resources/status.ts';
import { type ParsedBody, parseBody } from './body.ts';
import type { Kind, Kinds } from './kind.ts';
import { newWalk, walk } from './walk.ts';
import { WrongType } from './wrong-type.ts';

/** What to do about unknown and repeated fields: the request's `fieldValidation`. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** An accepted body. `warnings` are the texts of `Warning` headers: `unknown field "spec.x"`. */
export interface Decoded {
  readonly object: KubeObject;
  readonly warnings: string[];
}

/**
 * Decodes the body of a create or update. `kind`: what the URL stands for; its `apiVersion` and `kind` are filled in
 * where the body leaves them out. Without `kind` the body says which one it is.
 * Left: 400 for malformed or badly typed bodies and, when `Strict`, for unknown and repeated fields, in Kubernetes'
 * words; 415 for other content types; 422 for a custom object of another kind.
 */
export function decodeBody(
  kind: Kind | undefined,
  body: Buffer,
  contentType: string,
  mode: FieldValidation,
  kinds: Kinds,
): Either.Either<StatusError, Decoded> {
  return attempt(() => {
    const parsed = parseBody(body, contentType, {
      schemaOf: (apiVersion, name) => {
        const written = kinds.ofObject(apiVersion, name);
        return written?.custom === undefined ? written?.schema : undefined;
      },
      expected: kind,
    });
    const expected = kind ?? kindOfBody(parsed, kinds);
    const object = asObject(parsed, expected);
    checkKind(object, expected, kinds);
    return finish(expected, object, mode, parsed);
  });
}

/**
 * Checks and prunes an object that was made here from a stored one and a patch: the same complaints as for
 * a body. The object is changed in place.
 */
export function checkObject(
  kind: Kind,
  object: KubeObject,
  mode: FieldValidation,
): Either.Either<StatusError, Decoded> {
  return attempt(() => finish(kind, object, mode, undefined));
}

/** A patch, or another body without a kind: parsed only. `repeated`: complaints about fields named twice. */
export function decodePlain(
  body: Buffer,
  contentType: string,
): Either.Either<StatusError, { value: unknown; repeated: string[] }> {
  return attempt(() => {
    const parsed = parseBody(body, contentType, {});
    return { value: parsed.value, repeated: parsed.complaints(undefined) };
  });
}

/** The options body of a delete (`DeleteOptions`), JSON, YAML or protobuf; an empty body is `{}`. */
export function decodeOptions(
  body: Buffer,
  contentType: string,
  kind: 'DeleteOptions',
  kinds: Kinds,
): Either.Either<StatusError, Record<string, unknown>> {
  const options = kinds.ofObject('v1', kind);
  if (body.length === 0 || options === undefined) return Either.right({});
  return attempt(() => {
    const parsed = parseBody(body, contentType, {
      schemaOf: () => options.schema,
      expected: options,
    });
    const value = asObject(parsed, options);
    const wrong = value.kind !== kind && value.kind !== undefined && value.kind !== '';
    if (wrong) throw badRequest(`${value.kind} in version "${value.apiVersion}" is not a ${kind}`);
    return finish(options, value, 'Ignore', parsed).object;
  });
}

function attempt<T>(step: () => T): Either.Either<StatusError, T> {
  try {
    return Either.right(step());
  } catch (error) {
    if (error instanceof StatusError) return Either.left(error);
    if (error instanceof RangeError) return Either.left(badRequest('json: exceeded max depth'));
    throw error;
  }
}

/** The parsed value, which must be an object of the kind's version; fills in what it leaves out. */
function asObject(parsed: ParsedBody, kind: Kind): KubeObject {
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const what = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
    throw parsed.unrecognized(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${what} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  }
  const { apiVersion = '', kind: name = '' } = value as Partial<KubeObject>;
  if (apiVersion !== '' && name !== '') return value as KubeObject;
  return {
    ...(value as KubeObject),
    apiVersion: apiVersion === '' ? apiVersionOf(kind) : apiVersion,
    kind: name === '' ? kind.kind : name,
  };
}

function kindOfBody(parsed: ParsedBody, kinds: Kinds): Kind {
  const { apiVersion = '', kind = '' } = (parsed.value ?? {}) as Record<string, unknown>;
  const found = kinds.ofObject(String(apiVersion), String(kind));
  if (found !== undefined) return found;
  if (kind === '') throw badRequest(`Object 'Kind' is missing in '${parsed.summary()}'`);
  throw badRequest(`no kind "${kind}" is registered for version "${apiVersion}"`);
}

function checkKind(object: KubeObject, expected: Kind, kinds: Kinds): void {
  const { apiVersion, kind } = object;
  const wanted = apiVersionOf(expected);
  if (kind === expected.kind && apiVersion === wanted) return;
  if (kind === expected.kind || expected.custom !== undefined) {
    if (apiVersion === wanted) throw otherCustomKind(object, expected);
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`,
    );
  }
  const known = kinds.ofObject(apiVersion, kind);
  const why =
    known === undefined || known.custom !== undefined
      ? `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`
      : `converting (${goPackage(apiVersion)}.${kind}) to (${internalPackage(expected)}.${expected.kind}): unknown conversion`;
  throw cannotHandle(object, expected, why);
}

const goPackage = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1);
const internalPackage = (kind: Kind): string =>
  kind.group === '' ? 'core' : (kind.group.split('.')[0] ?? '');

function otherCustomKind(object: KubeObject, expected: Kind): StatusError {
  const message = `Invalid value: ${JSON.stringify(object.kind)}: must be ${expected.kind}`;
  return invalid(expected, object.metadata?.name ?? '', [
    { reason: 'FieldValueInvalid', message, field: 'kind' },
  ]);
}

/** Kubernetes' sentence for every body that names its kind and still does not decode. */
function cannotHandle(object: KubeObject, expected: Kind, why: string): StatusError {
  const version = goPackage(object.apiVersion);
  return badRequest(
    `${object.kind} in version "${version}" cannot be handled as a ${expected.kind}: ${why}`,
  );
}

function finish(
  kind: Kind,
  object: KubeObject,
  mode: FieldValidation,
  parsed: ParsedBody | undefined,
): Decoded {
  const found = newWalk();
  try {
    walk(kind.schema, object, found);
  } catch (error) {
    if (error instanceof WrongType) throw cannotHandle(object, kind, error.message);
    throw error;
  }
  if (kind.schema.fields?.has('metadata') === true) object.metadata ??= {} as ObjectMeta;
  if (mode === 'Ignore') return { object, warnings: [] };
  const unknown = kind.custom === undefined ? found.unknown : found.unknown.toSorted();
  const warnings =
    parsed?.complaints({ keys: found.keys, unknown, custom: kind.custom !== undefined }) ??
    unknown.map((path) => `unknown field "${path}"`);
  if (mode === 'Strict' && warnings.length > 0) {
    throw cannotHandle(object, kind, `strict decoding error: ${warnings.join(', ')}`);
  }
  return { object, warnings };
}
