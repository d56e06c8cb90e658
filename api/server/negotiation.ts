/** Which form of an answer the client takes: the `Accept` header with Kubernetes' parameters. */
import { failure, type StatusError } from '#api/resources/status.ts';

/** What an object or list is sent as. */
export type Form = 'json' | 'table' | 'partial';

export interface Accepted {
  readonly form: Form;
  /** The version of `meta.k8s.io` asked for, with `table` and `partial`. */
  readonly version: string;
}

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

const json = new Set(['application/json', '*/*', 'application/*', '']);

const forms: Record<string, Form> = {
  Table: 'table',
  PartialObjectMetadata: 'partial',
  PartialObjectMetadataList: 'partial',
};

function accepted(range: MediaRange, allowed: readonly Form[]): Accepted | undefined {
  if (!json.has(range.type)) return undefined;
  const as = range.parameters.get('as');
  if (as === undefined) return { form: 'json', version: '' };
  const form = forms[as];
  const version = range.parameters.get('v') ?? '';
  if (form === undefined || !allowed.includes(form)) return undefined;
  if (range.parameters.get('g') !== 'meta.k8s.io') return undefined;
  return version === 'v1' || version === 'v1beta1' ? { form, version } : undefined;
}

/** The most wanted form among those the endpoint has (`json` is always one). Throws 406. */
export function negotiate(accept: string | undefined, allowed: readonly Form[]): Accepted {
  if (accept === undefined || accept === '' || accept === 'application/json') {
    return { form: 'json', version: '' };
  }
  for (const range of mediaRanges(accept)) {
    const found = accepted(range, allowed);
    if (found !== undefined) return found;
  }
  throw notAcceptable();
}

export function notAcceptable(): StatusError {
  return failure(
    406,
    'NotAcceptable',
    'only the following media types are accepted: application/json',
  );
}
