/** Everything that pulls and pushes of one node share: connections, tokens, settings. */

import { join } from 'node:path';
import type { RegistryCredentials } from '../images.ts';
import type { Peers } from '../peers/peers.ts';
import type { Gatekeeper } from '../signature/gatekeeper.ts';
import { credentialsFor, defaultDockerConfig, readDockerConfig } from './docker-config.ts';
import { Downloads } from './downloads.ts';
import type { Endpoint } from './endpoint.ts';
import { Greeting } from './greeting.ts';
import type { RegistryParts } from './repository.ts';
import { PATIENT, type RetryPolicy } from './retry.ts';
import { readSettings, type Settings } from './settings.ts';
import { Tokens } from './tokens.ts';
import { Transport, type TransportOptions } from './transport.ts';

export interface RegistryOptions extends TransportOptions {
  readonly dataDir: string;
  readonly retry?: RetryPolicy;
  /** Knows what the cluster wants of images. */
  readonly trust: Gatekeeper;
  /** The cluster's other nodes, asked before any registry. */
  readonly peers?: Peers;
}

export class Registry {
  readonly parts: RegistryParts;
  readonly downloads = new Downloads();
  readonly trust: Gatekeeper;
  readonly peers: Peers | undefined;
  readonly #settingsPath: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor({
    dataDir,
    retry = PATIENT,
    env = process.env,
    trust,
    peers,
    ...options
  }: RegistryOptions) {
    const transport = new Transport({ ...options, env });
    const tokens = new Tokens(transport);
    this.trust = trust;
    this.peers = peers;
    this.parts = { transport, tokens, greeting: new Greeting(transport), retry };
    this.#settingsPath = join(dataDir, 'registries.json');
    this.#env = env;
  }

  /** @throws ImageError `Registry` */
  settings(): Promise<Settings> {
    return readSettings(this.#settingsPath);
  }

  /**
   * The logins to try at an endpoint, at least one: those `given` for the registry itself, then the machine's own.
   * @throws ImageError `Registry`
   */
  async logins(
    endpoint: Endpoint,
    settings: Settings,
    given: readonly RegistryCredentials[] = [],
  ): Promise<readonly RegistryCredentials[]> {
    const path = settings.dockerConfig ?? defaultDockerConfig(this.#env);
    const config = await readDockerConfig(path);
    const found = await credentialsFor(config, `${endpoint.name}/${endpoint.path}`);
    const logins = endpoint.isMirror ? found : [...given, ...found];
    return logins.length === 0 ? [{}] : logins;
  }
}
