/** The logins that a pod's `imagePullSecrets` hold for an image. */
import type { Pod, Secret } from '#api/resources/types.ts';
import type { RegistryCredentials } from '#node-agent/image/images.ts';
import { parseReference } from '#node-agent/image/reference.ts';
import {
  configuredAuths,
  type DockerConfig,
  legacyDockerConfig,
  parseDockerConfig,
} from '#node-agent/image/registry/docker-config.ts';

export interface PullLogins {
  /** In the order of the secrets. */
  readonly credentials: readonly RegistryCredentials[];
  /** Secrets that are missing or hold no logins: the pull is tried without them, as kubelet does. */
  readonly unusable: readonly string[];
}

/** @throws ImageError `InvalidReference` */
export async function pullLogins(
  pod: Pod,
  image: string,
  read: (key: string) => Promise<Secret | undefined>,
): Promise<PullLogins> {
  const { repository } = parseReference(image);
  const credentials: RegistryCredentials[] = [];
  const unusable: string[] = [];
  for (const { name = '' } of pod.spec?.imagePullSecrets ?? []) {
    const secret = await read(`${pod.metadata.namespace ?? ''}/${name}`);
    const config = secret === undefined ? undefined : configOf(secret);
    if (config === undefined) unusable.push(name);
    else credentials.push(...configuredAuths(config, repository));
  }
  return { credentials, unusable };
}

/** Both forms that Kubernetes has (core/v1 SecretTypeDockerConfigJson, SecretTypeDockercfg). */
function configOf({ metadata, data = {} }: Secret): DockerConfig | undefined {
  const where = `of the secret ${metadata.name}`;
  const json = data['.dockerconfigjson'];
  const legacy = data['.dockercfg'];
  try {
    if (json !== undefined) return parseDockerConfig(decoded(json), where);
    return legacy === undefined ? undefined : legacyDockerConfig(decoded(legacy), where);
  } catch {
    return undefined;
  }
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
