/**
 * Image references, as Docker writes them: `[domain[:port]/]path[:tag][@digest]`
 * (grammar: distribution/reference, `reference.go`).
 */

import { ImageError } from './images.ts';

export interface Reference {
  /** With its domain: `docker.io/library/busybox`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

const PATH = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const REFERENCE = new RegExp(
  `^(?:(${DOMAIN})/)?(${PATH}(?:/${PATH})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}))?$`,
);

/** Where a name without a domain is looked for among what is here: Docker's default, our own, podman's. */
const SHORT_NAME_DOMAINS = ['docker.io/library', 'bayplan.local', 'localhost'];

function isDomain(first: string): boolean {
  return /[.:A-Z[]/.test(first) || first === 'localhost';
}

function invalid(text: string, why: string): ImageError {
  return new ImageError(
    'InvalidReference',
    `read the image reference '${text.slice(0, 300)}': ${why}; write it as [registry/]name[:tag][@sha256:…]`,
  );
}

/**
 * Reads a reference; a missing domain becomes `docker.io` (and `library/` for a single name). A missing tag stays missing.
 * @throws ImageError `InvalidReference`
 */
export function parseReference(text: string): Reference {
  if (/^(?:[a-f0-9]{64}){1,2}$/.test(text)) throw invalid(text, 'it is an image ID');
  const slash = text.indexOf('/');
  const hasDomain = slash > 0 && isDomain(text.slice(0, slash));
  const full = hasDomain ? text : `docker.io/${text}`;
  const match = REFERENCE.exec(full);
  const [, domain, path, tag, digest] = match ?? [];
  if (domain === undefined || path === undefined) {
    throw invalid(text, text.toLowerCase() === text ? 'it is malformed' : 'it must be lowercase');
  }
  if (`${domain}/${path}`.length > 255) throw invalid(text, 'the name is over 255 characters');
  const host = domain === 'index.docker.io' ? 'docker.io' : domain;
  const library = host === 'docker.io' && !path.includes('/') ? 'library/' : '';
  return {
    repository: `${host}/${library}${path}`,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The full form of a tag: `busybox` is `docker.io/library/busybox:latest`. */
export function normalizedTag(reference: Reference): string {
  return `${reference.repository}:${reference.tag ?? 'latest'}`;
}

/** The tags `text` may stand for among local images, the first that exists wins. */
export function candidateTags(text: string): readonly string[] {
  const tag = normalizedTag(parseReference(text));
  const prefix = `${SHORT_NAME_DOMAINS[0]}/`;
  const isShort = tag.startsWith(prefix) && !text.includes('/');
  if (!isShort) return [tag];
  return SHORT_NAME_DOMAINS.map((domain) => `${domain}/${tag.slice(prefix.length)}`);
}
