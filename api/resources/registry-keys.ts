/** Which keys of a Docker configuration's `auths` are for an image. Pure. */

/** Scheme, trailing slash and API version are decoration. */
function plainKey(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
}

/** A pattern's `*` stands for a part of the host, as kubelet has it (pkg/credentialprovider/keyring.go). */
function fits(key: string, name: string): boolean {
  const pattern = plainKey(key)
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^./:]*');
  return new RegExp(`^${pattern}(/|$)`).test(name);
}

/** Those that fit a repository (`host[:port]/path`), the most specific first. Docker Hub has an old name in them, too. */
export function matchingKeys(keys: readonly string[], repository: string): readonly string[] {
  const old = repository.replace(/^docker\.io(?=\/|$)/, 'index.docker.io');
  const found = keys.filter((key) => fits(key, old) || fits(key, repository));
  return found.sort((a, b) => plainKey(b).length - plainKey(a).length);
}
