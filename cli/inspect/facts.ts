/** What only a container's node knows of it, and what only an image does. */
import type { RemoteClient } from '#api/client/client.ts';
import { StatusError } from '#api/resources/status.ts';
import type { Container } from '../container.ts';
import { filesPath } from '../files.ts';
import { askHolder } from '../local-image.ts';
import type { Config } from './config.ts';

/** What the node adds (node-agent/operations/inspect.ts). */
export interface Facts {
  readonly pid: number;
  readonly mounts: readonly KeptMount[];
  readonly image?: DescribedImage;
  readonly layers?: {
    readonly upper: string;
    readonly work: string;
    readonly lowers: readonly string[];
  };
  readonly writtenBytes?: number;
  /** While it has an address of its own. */
  readonly network?: { readonly gateway: string; readonly mac: string };
  /** What its health check has said lately, in docker's names. */
  readonly health?: { readonly failingStreak: number; readonly log: readonly object[] };
}

export interface KeptMount {
  readonly target: string;
  readonly source: string;
  readonly readonly: boolean;
}

export interface DescribedImage {
  readonly Id: string;
  readonly Size: number;
  readonly Config: Partial<Config>;
}

/** Before a container has been anywhere, or when its node does not answer. */
export const noFacts: Facts = { pid: 0, mounts: [] };

const unlessRefused = <T>(asked: Promise<unknown>, none: T): Promise<T> =>
  asked.then(
    (answer) => answer as T,
    (error: unknown) => {
      if (error instanceof StatusError) return none;
      throw error;
    },
  );

/** `size`: also what its writable layer takes. A node that does not answer, or may not be asked, leaves the document. */
export async function factsOf(
  client: RemoteClient,
  { metadata, spec, status }: Container,
  size: boolean,
): Promise<Facts> {
  const { name, namespace = 'default' } = metadata;
  const query = new URLSearchParams(size ? { size: 'true' } : {});
  const path = filesPath({ text: name, namespace }, 'inspect', query);
  const facts =
    status?.node === undefined
      ? noFacts
      : await unlessRefused(client.request('GET', path), noFacts);
  if (facts.image !== undefined) return facts;
  const wanted = `/inspect?${new URLSearchParams({ reference: spec.image })}`;
  const image = await unlessRefused<DescribedImage | undefined>(
    askHolder(client, status?.node, wanted),
    undefined,
  );
  return image === undefined ? facts : { ...facts, image };
}
