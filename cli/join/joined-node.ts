/** A node of a cluster elsewhere: its files, its agent, its certificates over the years. */
import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Cluster, type Settings, writeJson, writeUpState } from '../cluster.ts';
import { configurationPath } from '../up/configuration.ts';
import { Keeper } from '../up/keeper.ts';
import { startPart } from '../up/part-programs.ts';
import { untilSignal } from '../up/signals.ts';
import {
  fileNames,
  keep,
  kept,
  obtain,
  type Place,
  renewalTime,
  type Signed,
} from './certificates.ts';

const home = resolve(import.meta.dirname, '../..');
const say = (text: string): void => void process.stdout.write(`${text}\n`);
/** How often is looked whether a certificate is due. */
const lookMs = 3_600_000;

export interface JoinedNode {
  readonly cluster: Cluster;
  readonly settings: Settings;
  readonly place: Place;
  readonly address: string;
}

const clusterRange = (podCidr: string): string =>
  `${podCidr.split('.').slice(0, 2).join('.')}.0.0/16`;

/** Writes the agent's configuration. */
export function writeAgentConfiguration(node: JoinedNode): void {
  const { cluster, settings, place, address } = node;
  mkdirSync(join(cluster.runDir, 'config'), { recursive: true, mode: 0o700 });
  const file = (name: string) => join(cluster.pki, name);
  writeJson(configurationPath(cluster, 'agent'), {
    clusterName: cluster.name,
    server: place.server.origin,
    ca: file('ca.crt'),
    cert: file(`${fileNames.client}.crt`),
    key: file(`${fileNames.client}.key`),
    servingCert: file(`${fileNames.server}.crt`),
    servingKey: file(`${fileNames.server}.key`),
    nodeName: settings.nodeName,
    bindAddress: address,
    port: settings.agentPort,
    dataDir: cluster.dataDir,
    runDir: cluster.runDir,
    podCidr: settings.podCidr,
    clusterCidr: clusterRange(settings.podCidr),
    bridge: settings.bridge,
    cgroupRoot: settings.cgroupRoot,
    baseImage: join(home, 'native/build/base-image.tar'),
  });
}

/** Renews what is due at `now`, with what is still valid; resolves with whether anything was. */
export async function renewDue(
  { cluster, settings, place }: Pick<JoinedNode, 'cluster' | 'settings' | 'place'>,
  now = Date.now(),
): Promise<boolean> {
  const client = await kept(cluster.pki, fileNames.client, now);
  if (client === undefined) {
    throw new Error(
      `the certificate of this node has expired: join again with a new token ('bay node-token' where the cluster runs)`,
    );
  }
  const { nodeName } = settings;
  let credential: Signed = client;
  let isRenewed = false;
  for (const use of ['client', 'server'] as const) {
    const name = fileNames[use];
    const held = use === 'client' ? client : await kept(cluster.pki, name, now);
    if (held !== undefined && renewalTime(held.certificate) > now) continue;
    const cert = { cert: credential.certificate, key: credential.key };
    const signed = await obtain(place, cert, { nodeName, use });
    await keep(cluster.pki, name, signed);
    if (use === 'client') credential = signed;
    isRenewed = true;
  }
  return isRenewed;
}

/** Runs the agent until it is asked to end; containers go on. Exit code 0. */
export async function runNode(node: JoinedNode): Promise<number> {
  const { cluster, settings, place } = node;
  const asked = untilSignal();
  let pid = 0;
  // Whoever waits for it in the foreground shows what was said until then.
  let ready = false;
  const note = () => writeUpState(cluster, { ready, parts: { agent: pid } });
  const keeper = new Keeper({
    name: 'agent',
    start: () => startPart(cluster, 'agent'),
    onStart: (_, started) => {
      pid = started;
      note();
    },
    onExit: (name, code, ms) => say(`${name} ended (exit code ${code}); again in ${ms} ms`),
  });
  await keeper.start();
  say(`node ${settings.nodeName} of ${place.server.origin} runs at ${node.address}`);
  ready = true;
  note();
  const timer = setInterval(() => void look(), lookMs);
  const look = async () => {
    try {
      // The agent reads its certificates when it starts; its containers do not notice.
      if (await renewDue(node)) process.kill(pid, 'SIGTERM');
    } catch (error) {
      say(`certificates not renewed: ${(error as Error).message}`);
    }
  };
  const signal = await asked;
  clearInterval(timer);
  say(`${signal}: stopping the agent; its containers go on ('bay reset --yes' removes them)`);
  await keeper.stop();
  return 0;
}

/** When the node's certificate ends, for people. */
export async function expiry({ pki }: Cluster): Promise<string> {
  const pem = await readFile(join(pki, `${fileNames.client}.crt`), 'utf8');
  return new X509Certificate(pem).validToDate.toISOString().slice(0, 10);
}
