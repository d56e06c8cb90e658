/** The kubeconfig that kubectl and every other client of the cluster use. */
import { readFile } from 'node:fs/promises';
import { writeSecret } from './secret-file.ts';

export interface KubeconfigOptions {
  readonly path: string;
  /** `https://host:port`. */
  readonly server: string;
  /** Paths of PEM files; their content is embedded. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly clusterName: string;
}

const base64 = async (path: string): Promise<string> => (await readFile(path)).toString('base64');

/** Writes a kubeconfig with one context, mode 0600, whole or not at all. */
export async function writeKubeconfig(options: KubeconfigOptions): Promise<void> {
  const { path, server, clusterName } = options;
  const [ca, cert, key] = await Promise.all([options.ca, options.cert, options.key].map(base64));
  const user = `${clusterName}-admin`;
  const text = `apiVersion: v1
kind: Config
clusters:
- name: ${clusterName}
  cluster:
    server: ${server}
    certificate-authority-data: ${ca}
users:
- name: ${user}
  user:
    client-certificate-data: ${cert}
    client-key-data: ${key}
contexts:
- name: ${clusterName}
  context:
    cluster: ${clusterName}
    user: ${user}
current-context: ${clusterName}
`;
  await writeSecret(path, text);
}
