/** A node's API as the API server sees it: mutual TLS, logs, upgrades; what it serves is up to the test. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { nodes } from '#api/resources/resource-types.ts';
import type { Node } from '#api/resources/types.ts';
import type { TestServer } from './api-server.ts';

export interface FakeAgent {
  readonly server: Server;
  /** `METHOD /path` of every request and upgrade so far. */
  readonly asked: string[];
  /** Common names of those who asked. */
  readonly clients: (string | undefined)[];
  onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  close(): Promise<void>;
}

/** Serves as the node `n1` (its certificate), and registers the Node object. */
export async function startFakeAgent(
  api: TestServer,
  onRequest: (request: IncomingMessage, response: ServerResponse) => unknown,
  { certificate = 'node-n1', name = 'n1' } = {},
): Promise<FakeAgent> {
  const read = (file: string) => readFileSync(join(api.pki, file), 'utf8');
  const server = createServer({
    ca: read('ca.crt'),
    cert: read(`${certificate}.crt`),
    key: read(`${certificate}.key`),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const agent: FakeAgent = {
    server,
    asked: [],
    clients: [],
    onUpgrade: (_request, socket) => socket.destroy(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const record = (request: IncomingMessage) => {
    agent.asked.push(`${request.method} ${request.url}`);
    const { subject } = (request.socket as import('node:tls').TLSSocket).getPeerCertificate();
    agent.clients.push(String(subject.CN));
  };
  server.on('request', (request, response) => {
    record(request);
    onRequest(request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    record(request);
    agent.onUpgrade(request, socket, head);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  };
  await api.client().collection<Node>(nodes).create(node);
  return agent;
}
