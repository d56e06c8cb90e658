/** `bay join URL --token T`: makes this machine a node of a cluster that runs elsewhere, and keeps its agent running. */
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeSecret } from '#api/pki/secret-file.ts';
import { clusterOptions, parse, UsageError } from '../arguments.ts';
import {
  type Cluster,
  clusterOf,
  defaultSettings,
  readSettings,
  readUpState,
  type Settings,
  settingsPath,
  writeJson,
} from '../cluster.ts';
import { findAuthority } from '../join/authority.ts';
import { fileNames, keep, kept, obtain, type Place } from '../join/certificates.ts';
import { expiry, renewDue, runNode, writeAgentConfiguration } from '../join/joined-node.ts';
import { register } from '../join/registration.ts';
import { parseToken } from '../join/token.ts';
import { startDetached } from '../up/detach.ts';

const options = {
  ...clusterOptions,
  token: { type: 'string' },
  'node-name': { type: 'string' },
  address: { type: 'string' },
  detach: { type: 'boolean', short: 'd' },
} as const;

const agentPort = 10_250;

function urlOf(text: string | undefined): URL {
  try {
    const url = new URL(text ?? '');
    if (url.protocol === 'https:') return url;
  } catch {
    // Said below, with what to write instead.
  }
  throw new UsageError(
    `bay join '${text ?? ''}': give the API server as https://ADDRESS:PORT ('bay node-token' prints it)`,
  );
}

function nameOf(text: string | undefined): string {
  const name = text ?? hostname().toLowerCase();
  if (/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(name)) return name;
  throw new UsageError(`--node-name '${name}': use lower case letters, digits, '-' and '.'`);
}

interface Wanted {
  readonly url: URL;
  readonly token: string;
  readonly nodeName: string;
}

/** The first time: certificates with the token, the Node, addresses for its pods. */
async function makeNode(cluster: Cluster, { url, token, nodeName }: Wanted) {
  const { pin, bootstrap } = parseToken(token);
  const { ca, localAddress } = await findAuthority(url, pin);
  const place = { server: url, ca };
  mkdirSync(cluster.pki, { recursive: true, mode: 0o700 });
  await writeSecret(join(cluster.pki, 'ca.crt'), ca);
  const client = await obtain(place, { bearer: bootstrap }, { nodeName, use: 'client' });
  await keep(cluster.pki, fileNames.client, client);
  const credential = { cert: client.certificate, key: client.key };
  const { podCidr } = await register(place, credential, nodeName);
  const ports = { api: Number(url.port || 443), agent: agentPort };
  const settings: Settings = {
    ...defaultSettings(cluster, ports),
    nodeName,
    podCidr,
    joined: url.origin,
    listen: localAddress,
  };
  writeJson(settingsPath(cluster), settings);
  return { place, settings };
}

async function openNode(cluster: Cluster, url: URL, flags: { token?: string; name?: string }) {
  const known = readSettings(cluster);
  if (known !== undefined && known.joined !== url.origin) {
    const what = known.joined === undefined ? 'a cluster of its own' : `a node of ${known.joined}`;
    throw new Error(`${cluster.dataDir} holds ${what}; 'bay reset' removes it`);
  }
  const certificate = await kept(cluster.pki, fileNames.client);
  if (known !== undefined && certificate !== undefined) {
    const place: Place = { server: url, ca: await readFile(join(cluster.pki, 'ca.crt'), 'utf8') };
    return { place, settings: known };
  }
  const token = flags.token ?? process.env['BAY_NODE_TOKEN'];
  if (token === undefined)
    throw new UsageError("--token is missing: 'bay node-token' prints one where the cluster runs");
  return makeNode(cluster, { url, token, nodeName: nameOf(flags.name ?? known?.nodeName) });
}

/** The arguments to go on with what has been joined: without the token, which anybody could read in the list of processes. */
const again = ({ name, dataDir, runDir }: Cluster, url: URL, address: string): string[] => [
  url.origin,
  ...['--name', name, '--data-dir', dataDir, '--run-dir', runDir],
  ...['--address', address],
];

/** Exit code 0 after a clean stop; with `--detach` when the node runs. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, options);
  if (process.getuid?.() !== 0)
    throw new Error('making namespaces and cgroups needs root; run it with sudo');
  const url = urlOf(positionals[0]);
  const cluster = clusterOf(values);
  const other = readUpState(cluster);
  if (other !== undefined) throw new Error(`the node is up already (pid ${other.pid})`);
  for (const directory of [cluster.runDir, join(cluster.dataDir, 'log')])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { token, 'node-name': name } = values;
  const { place, settings } = await openNode(cluster, url, {
    ...(token === undefined ? {} : { token }),
    ...(name === undefined ? {} : { name }),
  });
  const address = values.address ?? settings.listen ?? '';
  if (!isIPv4(address))
    throw new UsageError(
      `--address '${address}': give the IPv4 address at which the cluster reaches this node`,
    );
  await renewDue({ cluster, settings, place });
  if (values.detach === true) return startDetached(cluster, again(cluster, url, address), 'join');
  const node = { cluster, settings, place, address };
  writeAgentConfiguration(node);
  process.stdout.write(
    `joined; the node's certificate is renewed before ${await expiry(cluster)}\n`,
  );
  return runNode(node);
}
