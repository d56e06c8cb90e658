/** What the forms of `bay get` share: the requests. */
import { text } from 'node:stream/consumers';
import type { RemoteClient } from '#api/client/client.ts';
import { hasReason } from '#api/resources/status.ts';
import { pathOfPlace } from '../documents/requests.ts';
import { type Asked, listPath, type Selection } from '../documents/select.ts';

/** The flags that reading and showing look at. */
export interface Shown {
  readonly 'ignore-not-found'?: boolean | undefined;
  readonly 'no-headers'?: boolean | undefined;
  readonly 'show-labels'?: boolean | undefined;
  readonly 'show-kind'?: boolean | undefined;
  readonly 'label-columns'?: readonly string[] | undefined;
  readonly 'sort-by'?: string | undefined;
  readonly 'chunk-size'?: string | undefined;
  readonly 'watch-only'?: boolean | undefined;
  readonly 'output-watch-events'?: boolean | undefined;
  readonly subresource?: string | undefined;
  readonly 'all-namespaces'?: boolean | undefined;
  readonly namespace?: string | undefined;
}

export interface Getting {
  readonly client: RemoteClient;
  readonly asked: readonly Asked[];
  readonly selection: Selection;
  readonly values: Shown;
  readonly failed: (error: unknown) => void;
}

export interface Answer {
  readonly asked: Asked;
  /** One object, or a list. */
  readonly body: Record<string, unknown>;
  readonly isList: boolean;
}

const usualChunk = '500';

async function request(client: RemoteClient, path: string, accept: string) {
  const stream = await client.streamRequest('GET', path, undefined, { headers: { accept } });
  return JSON.parse(await text(stream)) as Record<string, unknown>;
}

/** A list in parts, `join`ed. */
async function list(
  { client, selection, values }: Getting,
  asked: Asked,
  accept: string,
  field: 'items' | 'rows',
): Promise<Record<string, unknown>> {
  const limit = values['chunk-size'] ?? usualChunk;
  const part = (more: object) => {
    const chunk = limit === '0' ? {} : { limit, ...more };
    const whole =
      field === 'rows' && values['sort-by'] !== undefined ? { includeObject: 'Object' } : {};
    return request(client, listPath(asked, selection, { ...chunk, ...whole }), accept);
  };
  const first = await part({});
  const all = [...((first[field] ?? []) as unknown[])];
  let rest = continued(first);
  while (rest !== undefined) {
    const next = await part({ continue: rest });
    all.push(...((next[field] ?? []) as unknown[]));
    rest = continued(next);
  }
  return { ...first, [field]: all };
}

function continued({ metadata }: Record<string, unknown>): string | undefined {
  const { continue: rest } = (metadata ?? {}) as { continue?: string };
  return rest === '' ? undefined : rest;
}

/** What the server answers, in order; what it refuses is told, and left out. */
export async function answers(
  getting: Getting,
  accept: string,
  field: 'items' | 'rows',
): Promise<Answer[]> {
  const { client, asked: all, values, failed } = getting;
  const isSorted = field === 'rows' && values['sort-by'] !== undefined;
  const found = await Promise.all(
    all.flatMap((asked): Promise<Answer | Error>[] => {
      if (asked.names === undefined) {
        return [
          list(getting, asked, accept, field).then(
            (body) => ({ asked, body, isList: true }),
            asError,
          ),
        ];
      }
      return asked.names.map((name) => {
        const path = pathOfPlace({ ...asked, name }, values.subresource);
        return request(client, `${path}${isSorted ? '?includeObject=Object' : ''}`, accept).then(
          (body) => ({ asked, body, isList: false }),
          asError,
        );
      });
    }),
  );
  return found.flatMap((one) => {
    if (!(one instanceof Error)) return [one];
    if (!(values['ignore-not-found'] === true && hasReason(one, 'NotFound'))) failed(one);
    return [];
  });
}

const asError = (error: unknown): Error => error as Error;

/** Said when there is nothing. */
export function nothingFound({ asked, values }: Getting): string {
  const isPlaced = asked.some(({ type }) => type.namespaced) && values['all-namespaces'] !== true;
  const where = isPlaced ? ` in ${values.namespace ?? 'default'} namespace.` : '';
  return `No resources found${where}\n`;
}
