/** Which form of an answer the client takes: the `Accept` header with Kubernetes' parameters. */
import { failure, type StatusError } from '#api/resources/status.ts';

/** What is sent of an object or list: itself, a Table, its metadata. */
export type Form = 'whole' | 'table' | 'partial';

/** How it is written. */
export type Encoding = 'json' | 'yaml' | 'protobuf';

/** What an endpoint can answer with. */
export interface Offer {
  readonly forms: readonly Form[];
  /** Of whole objects; `json` is always one. */
  readonly encodings: readonly Encoding[];
}

export interface Accepted {
  readonly form: Form;
  readonly encoding: Encoding;
  /** The version of `meta.k8s.io` asked for, with `table` and `partial`. */
  readonly version: string;
}

export const mediaTypes: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The header's ranges, the most wanted first. */
export function mediaRanges(accept: string): MediaRange[] {
  return accept
    .split(',')
    .map((range) => {
      const [type = '', ...rest] = range.split(';').map((part) => part.trim());
      const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string]));
      return { type, parameters, quality: Number(parameters.get('q') ?? 1) };
    })
    .sort((a, b) => b.quality - a.quality);
}

const encodingOf = new Map<string, Encoding>([
  ...Object.entries(mediaTypes).map(([encoding, type]) => [type, encoding as Encoding] as const),
  ['*/*', 'json'],
  ['application/*', 'json'],
  ['', 'json'],
]);

const forms: Record<string, Form> = {
  Table: 'table',
  PartialObjectMetadata: 'partial',
  PartialObjectMetadataList: 'partial',
};

/** apiserver `endpoints/handlers/rest.go`, AllowsMediaTypeTransform: a Table has no message. */
const encodingsOfForm: Readonly<Record<'table' | 'partial', readonly Encoding[]>> = {
  table: ['json', 'yaml'],
  partial: ['json', 'yaml', 'protobuf'],
};

function accepted(range: MediaRange, offer: Offer): Accepted | undefined {
  const encoding = encodingOf.get(range.type);
  if (encoding === undefined) return undefined;
  const as = range.parameters.get('as');
  if (as === undefined) {
    return offer.encodings.includes(encoding)
      ? { form: 'whole', encoding, version: '' }
      : undefined;
  }
  const form = forms[as];
  const version = range.parameters.get('v') ?? '';
  if (form === undefined || form === 'whole' || !offer.forms.includes(form)) return undefined;
  if (!encodingsOfForm[form].includes(encoding)) return undefined;
  if (range.parameters.get('g') !== 'meta.k8s.io') return undefined;
  return version === 'v1' || version === 'v1beta1' ? { form, encoding, version } : undefined;
}

const plain: Accepted = { form: 'whole', encoding: 'json', version: '' };
/** What documents that are no objects can be had in. */
export const jsonOnly: Offer = { forms: ['whole'], encodings: ['json'] };

/** The most wanted form among those the endpoint has. Throws 406. */
export function negotiate(accept: string | undefined, offer: Offer): Accepted {
  if (accept === undefined || accept === '' || accept === 'application/json') return plain;
  for (const range of mediaRanges(accept)) {
    const found = accepted(range, offer);
    if (found !== undefined) return found;
  }
  throw notAcceptable(offer.encodings.map((encoding) => mediaTypes[encoding]));
}

export function notAcceptable(types: readonly string[]): StatusError {
  return failure(
    406,
    'NotAcceptable',
    `only the following media types are accepted: ${types.join(', ')}`,
  );
}
