/** Requests of commands that change documents: in each form of patch, dry or not, in the name of a field manager. */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { RemoteClient } from '#api/client/client.ts';
import type { PatchType } from '#api/client/collection.ts';
import { resourcePath } from '#api/client/paths.ts';
import type { KubeObject, ResourceType } from '#api/resources/meta.ts';
import { StatusError } from '#api/resources/status.ts';

/** One document, of which no more need be known than where it is. */
export interface Place {
  readonly type: ResourceType;
  readonly name: string;
  readonly namespace?: string | undefined;
}

export interface WriteOptions {
  readonly isDry?: boolean;
  readonly fieldManager?: string | undefined;
  readonly subresource?: string | undefined;
}

const mediaTypes: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
};

/** The URL of a document, or of what its subresource is. */
export function pathOfPlace({ type, name, namespace }: Place, subresource?: string): string {
  return resourcePath(type, {
    name,
    namespace,
    ...(subresource === undefined ? {} : { subresource }),
  });
}

function queryOf({ isDry = false, fieldManager }: WriteOptions): string {
  const query = new URLSearchParams();
  if (isDry) query.set('dryRun', 'All');
  if (fieldManager !== undefined) query.set('fieldManager', fieldManager);
  return query.size === 0 ? '' : `?${query}`;
}

/** Sends JSON, resolves with the object that the server answers. */
export async function send(
  client: RemoteClient,
  method: string,
  path: string,
  body: unknown,
  contentType = 'application/json',
): Promise<KubeObject> {
  const headers = { 'content-type': contentType };
  const stream = Readable.from([Buffer.from(JSON.stringify(body))]);
  const answer = await client.streamRequest(method, path, stream, { headers });
  return JSON.parse(await text(answer)) as KubeObject;
}

/** Custom kinds know no strategic merge: they are patched by a plain one. */
export async function patchPlace(
  client: RemoteClient,
  place: Place,
  patch: unknown,
  form: PatchType,
  options: WriteOptions = {},
): Promise<KubeObject> {
  const path = `${pathOfPlace(place, options.subresource)}${queryOf(options)}`;
  try {
    return await send(client, 'PATCH', path, patch, mediaTypes[form]);
  } catch (error) {
    const isUnknown = error instanceof StatusError && error.code === 415;
    if (form !== 'strategic' || !isUnknown) throw error;
    return send(client, 'PATCH', path, patch, mediaTypes.merge);
  }
}

/** PUT of the whole document. */
export const replacePlace = (
  client: RemoteClient,
  place: Place,
  object: unknown,
  options: WriteOptions = {},
): Promise<KubeObject> =>
  send(client, 'PUT', `${pathOfPlace(place, options.subresource)}${queryOf(options)}`, object);

/** POST to the collection. */
export const createIn = (
  client: RemoteClient,
  { type, namespace }: Omit<Place, 'name'>,
  object: unknown,
  options: WriteOptions = {},
): Promise<KubeObject> =>
  send(client, 'POST', `${resourcePath(type, { namespace })}${queryOf(options)}`, object);

/** The document as it is. */
export async function readPlace(client: RemoteClient, place: Place): Promise<KubeObject> {
  return (await client.request('GET', pathOfPlace(place))) as KubeObject;
}
