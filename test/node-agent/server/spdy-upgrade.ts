/** Upgrades of the node's API to SPDY/3.1, by hand. */
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import type { withPod } from './api-rig.ts';
import { SpdyClient } from './spdy-client.ts';

export type Rig = Awaited<ReturnType<typeof withPod>>;

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
  readonly client?: SpdyClient;
  readonly socket?: Duplex;
}

export function upgrade({ port, identity }: Rig, path: string, protocols: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'SPDY/3.1',
      ...(protocols === '' ? {} : { 'X-Stream-Protocol-Version': protocols }),
    };
    const target = { host: '127.0.0.1', port, method: 'POST', path, headers, ...identity('admin') };
    const call = request({ ...target, agent: false });
    call.on('upgrade', ({ headers: answered }, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve({ status: 101, headers: answered, text: '', client: new SpdyClient(socket), socket });
    });
    call.on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    call.on('error', reject);
    call.end();
  });
}

export const newest = 'v4.channel.k8s.io, v3.channel.k8s.io, channel.k8s.io';

export async function connected(rig: Rig, path: string, protocols: string): Promise<SpdyClient> {
  const { client, status, text } = await upgrade(rig, path, protocols);
  if (client === undefined) throw new Error(`${status} ${text}`);
  return client;
}
