/** `bay node-token`: lets another machine join the cluster for a day, and prints the command for it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { secrets } from '#api/resources/resource-types.ts';
import type { Secret } from '#api/resources/types.ts';
import { clusterOptions, parse, UsageError } from '../arguments.ts';
import { clusterOf, readSettings } from '../cluster.ts';
import { openClient } from '../connection.ts';
import { newBootstrap, pinOfPem } from '../join/token.ts';

const options = { ...clusterOptions, ttl: { type: 'string' } } as const;
const units: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** `24h` in seconds. */
function secondsOf(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const seconds = Number(amount) * (units[unit] ?? 0);
  if (seconds > 0) return seconds;
  throw new UsageError(`--ttl '${text}': write a time as 30m, 24h or 7d`);
}

/** The Secret that Kubernetes' bootstrap tokens are. */
function tokenSecret(id: string, secret: string, expiration: string): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-secret': secret,
      expiration,
      'usage-bootstrap-authentication': 'true',
      'auth-extra-groups': 'system:bootstrappers:bayplan:nodes',
    },
  };
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parse(args, options);
  const seconds = secondsOf(values.ttl ?? '24h');
  const cluster = clusterOf(values);
  const settings = readSettings(cluster);
  if (settings === undefined)
    throw new Error(`there is no cluster in ${cluster.dataDir}; start one with 'bay up'`);
  const pin = pinOfPem(readFileSync(join(cluster.pki, 'ca.crt'), 'utf8'));
  const { id, secret } = newBootstrap();
  const expiration = new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+/, '');
  const client = await openClient(values);
  try {
    await client.collection<Secret>(secrets).create(tokenSecret(id, secret, expiration));
  } finally {
    client.close();
  }
  const { listen, port } = settings;
  if (listen === undefined) {
    process.stderr.write(
      "the API server is reached from this machine alone: 'bay up --listen ADDRESS' lets others join\n",
    );
  }
  const url = `https://${listen ?? '127.0.0.1'}:${port}`;
  process.stdout.write(`bay join ${url} --token ${pin}.${id}.${secret}\n`);
  return 0;
}
