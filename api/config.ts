/** The API server's configuration file. */
import { readFile } from 'node:fs/promises';
import { isLeft } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';

const Required = t.type({
  clusterName: t.string,
  bindAddress: t.string,
  port: t.Int,
  dataDir: t.string,
  runDir: t.string,
  /** The directory of certificates and keys. */
  pki: t.string,
  /** `unix:/abs/path/localhost:12379` or `http(s)://host:port`. */
  etcdEndpoints: t.array(t.string),
});

const Optional = t.partial({
  nodeProxyTimeoutMs: t.Int,
  /** The range of cluster addresses that a new cluster starts with. */
  serviceCidr: t.string,
  /** Addresses to listen at beside `bindAddress`. */
  moreAddresses: t.array(t.string),
  /** Where pods reach this server; absent: `bindAddress`. */
  advertiseAddress: t.string,
  /** Admission plug-ins to do without: `ServiceAccount`, for an API server without controllers. */
  disableAdmission: t.array(t.string),
  /** Admission plug-ins that are off by themselves: `OwnerReferencesPermissionEnforcement`. */
  enableAdmission: t.array(t.string),
});

const Config = t.intersection([Required, Optional], 'ApiConfig');

export type Config = t.TypeOf<typeof Config>;

/** Reads and checks the file. Throws an Error that names the file and every field that is wrong. */
export async function readConfig(path: string): Promise<Config> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new Error(`read the configuration ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const decoded = Config.decode(content);
  if (isLeft(decoded)) {
    const fields = new Set(decoded.left.map(({ context }) => fieldOf(context)));
    throw new Error(`configuration ${path}: missing or of a wrong type: ${[...fields].join(', ')}`);
  }
  return decoded.right;
}

/** io-ts's context has steps `0` and `1` for the members of an intersection: they are no fields. */
function fieldOf(context: t.Context): string {
  const steps = context.filter((_, index) => index > 0);
  return steps
    .filter(({ key }, index) => !(index === 0 && /^[01]$/.test(key)))
    .map(({ key }) => key)
    .join('.');
}
