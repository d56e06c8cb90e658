/**
 * Content from the cluster's other nodes, before any registry is asked: blobs by their digest, and images that were loaded
 * on a node and are in no registry. What comes is verified like a registry's; a peer that does not answer costs a short wait.
 */
import https from 'node:https';
import type { PeerCertificate } from 'node:tls';
import { algorithmOf, type Digest, digestOf, isDigest } from '../digest.ts';
import * as oci from '../oci.ts';
import { normalizedTag, type Reference } from '../reference.ts';
import { readWhole } from '../registry/body.ts';
import type { BlobSource } from '../registry/download.ts';
import type { FoundManifest } from '../registry/manifest.ts';
import { RegistryProblem } from '../registry/problem.ts';
import type { Answer } from '../registry/transport.ts';
import { type Peer, ranked } from './peer-list.ts';

/** A peer that has not begun to answer after this is left out. */
const ANSWER_MS = 1500;
/** A transfer that moves nothing for so long is given up. */
const IDLE_MS = 5000;
/** For an image that nobody reports, and for a blob: more questions would cost more than a registry. */
const ASKED = 4;
const MAX_MANIFEST = 8 * 2 ** 20;

export interface PeersOptions {
  readonly list: () => Promise<readonly Peer[]>;
  /** PEM texts: the cluster's CA, and this node's certificate. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** An image that a peer has. */
export interface PeerImage {
  readonly found: FoundManifest;
  /** The manifest was made on a node: nobody outside the cluster knows its digest. */
  readonly isManifestOurs: boolean;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #agents = new Map<string, https.Agent>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /**
   * An image by the digest of its manifest, or one that a peer was given by hand under this tag: of an image that came from
   * a registry, the registry knows best what its tag means now. undefined when no peer answers with it.
   */
  async find(reference: Reference, signal?: AbortSignal): Promise<PeerImage | undefined> {
    const name = reference.digest ?? normalizedTag(reference);
    const peers = await this.#ranked(reference, name);
    for (let at = 0; at < peers.length; at += ASKED) {
      const some = peers.slice(at, at + ASKED);
      const answers = await Promise.all(some.map((peer) => this.#image(peer, reference, signal)));
      signal?.throwIfAborted();
      const image = answers.find((answer) => answer !== undefined);
      if (image !== undefined) return image;
    }
    return undefined;
  }

  /** Ways to a blob of an image; each is tried once. */
  async blobSources(reference: Reference, digest: Digest): Promise<readonly BlobSource[]> {
    return (await this.#ranked(reference, digest)).slice(0, ASKED).map((peer) => {
      const path = `/content/blobs/${digest}`;
      const name = `GET ${path} of node ${peer.name}`;
      return {
        name,
        get: async (offset, signal) => {
          const headers = offset === 0 ? {} : { range: `bytes=${offset}-` };
          const answer = await this.#ask(peer, path, headers, signal);
          if (answer.status === 200 || answer.status === 206) return answer;
          answer.body.resume();
          throw new RegistryProblem('refused', `${name}: answered ${answer.status}`);
        },
      };
    });
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  /** All that report it, and some of the others. */
  async #ranked(reference: Reference, key: string): Promise<readonly Peer[]> {
    const { repository, digest } = reference;
    const name = digest === undefined ? normalizedTag(reference) : `${repository}@${digest}`;
    const peers = ranked(await this.#options.list(), key, name);
    const reporting = peers.filter(({ images }) => images.has(name)).length;
    return peers.slice(0, reporting + ASKED);
  }

  async #image(
    peer: Peer,
    reference: Reference,
    signal: AbortSignal | undefined,
  ): Promise<PeerImage | undefined> {
    const wanted = reference.digest ?? normalizedTag(reference);
    const path = `/content/manifests?reference=${encodeURIComponent(wanted)}`;
    try {
      const { status, headers, body } = await this.#ask(peer, path, {}, signal);
      const bytes = await readWhole(body, MAX_MANIFEST);
      const digest = headers['docker-content-digest'];
      if (status !== 200 || typeof digest !== 'string' || !isDigest(digest)) return undefined;
      if (digest !== digestOf(bytes, algorithmOf(digest))) return undefined;
      if (reference.digest !== undefined && digest !== reference.digest) return undefined;
      const manifest = oci.decodeJson(oci.Manifest, bytes, `manifest ${digest}`);
      const isManifestOurs = headers['x-bayplan-manifest'] === 'made';
      return { found: { bytes, digest, manifest, digests: [digest] }, isManifestOurs };
    } catch {
      return undefined; // the next one, or the registry, is asked
    }
  }

  #ask(
    peer: Peer,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const url = new URL(
      path,
      `https://${peer.address.includes(':') ? `[${peer.address}]` : peer.address}:${peer.port}`,
    );
    const late = AbortSignal.timeout(ANSWER_MS);
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        reject(new RegistryProblem('refused', `ask node ${peer.name}: ${why}`, { cause }));
      };
      const request = https.request(url, {
        agent: this.#agent(peer),
        headers,
        ...(signal && { signal }),
      });
      const giveUp = () => request.destroy(new Error(`no answer within ${ANSWER_MS} ms`));
      late.addEventListener('abort', giveUp);
      request.once('response', (body) => {
        late.removeEventListener('abort', giveUp);
        request.setTimeout(IDLE_MS, () => body.destroy(new Error('the transfer stands still')));
        resolve({ status: body.statusCode ?? 0, headers: body.headers, body, url });
      });
      request.once('error', fail);
      request.end();
    });
  }

  /** A peer must show the certificate of the node it is said to be. */
  #agent({ name }: Peer): https.Agent {
    let agent = this.#agents.get(name);
    if (agent === undefined) {
      agent = new https.Agent({
        ...this.#options.tls,
        keepAlive: true,
        maxSockets: 4,
        servername: name,
        minVersion: 'TLSv1.2',
        checkServerIdentity: (_host: string, certificate: PeerCertificate) => {
          const { CN } = certificate.subject;
          const is = [CN].flat().join();
          return is === `system:node:${name}`
            ? undefined
            : new Error(`it is ${JSON.stringify(is)}, not node ${name}`);
        },
      });
      this.#agents.set(name, agent);
    }
    return agent;
  }
}
