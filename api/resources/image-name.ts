/** Names of images as documents write them, completed as Docker does; `node-agent/image/reference.ts` also checks them. */

/** Domain and path of a repository's name, as Docker completes it (distribution/reference, `normalize.go`). */
export function fullName(name: string): string {
  if (name.startsWith('**')) return name;
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  if (first === 'index.docker.io') return `docker.io${name.slice(slash)}`;
  const hasDomain = /[.:*A-Z[]/.test(first) || first === 'localhost';
  if (hasDomain && first !== 'docker.io') return name;
  const path = first === 'docker.io' ? name.slice(slash + 1) : name;
  return path.includes('/') || path.includes('**')
    ? `docker.io/${path}`
    : `docker.io/library/${path}`;
}

/** What an image's name says: its repository and tag in full, and its digest. */
export function readImageName(image: string): {
  readonly repository: string;
  /** As the nodes keep it; absent when a digest alone is named. */
  readonly tag?: string;
  readonly digest?: string;
} {
  const at = image.indexOf('@');
  const named = at === -1 ? image : image.slice(0, at);
  const digest = at === -1 ? {} : { digest: image.slice(at + 1) };
  const [suffix] = /:[\w][\w.-]*$/.exec(named) ?? [];
  const repository = fullName(named.slice(0, named.length - (suffix?.length ?? 0)));
  if (suffix === undefined && at !== -1) return { repository, ...digest };
  return { repository, tag: `${repository}${suffix ?? ':latest'}`, ...digest };
}
