/** A node's network with Services on it: real pods' namespaces, documents put in by hand, no API server. Needs root. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointSlice, Node, Pod, Service } from '#api/resources/types.ts';
import { Cache } from '#controller/runtime/cache.ts';
import { createPodNetwork, type PodNetworkOptions } from '#node-agent/network/bridge-network.ts';
import { indexServices, indexSlices } from '#node-agent/network/cluster-view.ts';
import type { NodeNetwork } from '#node-agent/network/pod-network.ts';
import {
  ServiceRules,
  type ServiceRulesOptions,
} from '#node-agent/network/services/service-rules.ts';
import { end, options } from './pod-network.ts';
import { nodeName } from './service-documents.ts';

export class ServiceWorld {
  readonly network: NodeNetwork;
  readonly services = indexServices(new Cache<Service>());
  readonly slices = indexSlices(new Cache<EndpointSlice>());
  readonly pods = new Cache<Pod>();
  readonly nodes = new Cache<Node>();
  readonly warnings: string[] = [];
  readonly #servers: ChildProcess[] = [];
  #rules: ServiceRules | undefined;

  /** `more` is what another one beside it needs of its own. */
  constructor(more: Partial<PodNetworkOptions> = {}) {
    this.network = createPodNetwork({ ...options, ...more });
  }

  /** The network, with rules that know of nothing yet. */
  async start(): Promise<void> {
    await this.network.start();
    for (const cache of [this.services, this.slices, this.pods, this.nodes])
      cache.apply({ type: 'replaced', objects: [], version: '1' });
    await this.restart();
  }

  /** What the next life of the agent does, over the same documents. */
  async restart(more: Partial<ServiceRulesOptions> = {}): Promise<void> {
    this.#rules?.close();
    const { services, slices, pods, nodes, network } = this;
    if (this.#rules !== undefined) await network.table.open();
    const log = {
      warn: (message: string, fields: object) => {
        this.warnings.push(`${message} ${JSON.stringify(fields)}`);
      },
    };
    this.#rules = new ServiceRules({
      view: { services, slices, pods, nodes },
      table: network.table,
      nodeName,
      log,
      ...more,
    });
    this.#rules.start();
    await this.#rules.ready();
  }

  /** Puts documents in. */
  apply(...objects: readonly (Service | EndpointSlice | Pod | Node)[]): void {
    for (const object of objects) this.#tell('applied', object);
  }

  #tell(type: 'applied' | 'deleted', object: Service | EndpointSlice | Pod | Node): void {
    if (object.kind === 'Service') this.services.apply({ type, object: object as Service });
    else if (object.kind === 'Pod') this.pods.apply({ type, object: object as Pod });
    else if (object.kind === 'Node') this.nodes.apply({ type, object: object as Node });
    else this.slices.apply({ type, object: object as EndpointSlice });
  }

  remove(object: Service | EndpointSlice | Pod | Node): void {
    this.#tell('deleted', object);
  }

  /** A pod that answers with its name on TCP and UDP port 80. */
  async server(uid: string): Promise<{ readonly ip: string; readonly netnsPath: string }> {
    const address = await this.network.attach(uid);
    const program = `
      const name = ${JSON.stringify(uid)};
      require('node:net').createServer((s) => { s.on('error', () => {}); s.end(name + ' ' + s.remoteAddress.replace('::ffff:', '')); }).listen(80, '0.0.0.0', () => {
        const udp = require('node:dgram').createSocket('udp4');
        udp.on('message', (_, from) => udp.send(name, from.port, from.address));
        udp.bind(80, () => console.log('ready'));
      });`;
    const child = spawn(
      'nsenter',
      [`--net=${address.netnsPath}`, process.execPath, '-e', program],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    this.#servers.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return address;
  }

  async close(): Promise<void> {
    this.#rules?.close();
    await Promise.all(this.#servers.map(end));
    await this.network.destroy();
  }
}

/** What answers at the address, from inside a namespace or (without) from the node; `error CODE` if nothing does. */
export function ask(
  to: string,
  from?: string,
  patienceMs = 5_000,
  localAddress?: string,
): Promise<string> {
  const [host = '', port = ''] = to.split(':');
  const program = `
    const s = require('node:net').connect(${JSON.stringify({ host, port: Number(port), localAddress })});
    let text = '';
    s.setTimeout(${patienceMs}, () => { console.log('error TIMEOUT'); process.exit(); });
    s.on('data', (d) => { text += d; });
    s.on('error', (e) => { console.log('error ' + e.code); process.exit(); });
    s.on('close', () => { console.log(text); process.exit(); });`;
  const inside = from === undefined ? [] : ['nsenter', `--net=${from}`];
  const [command = '', ...args] = [...inside, process.execPath, '-e', program];
  return new Promise((resolve) => {
    execFile(command, args, (error, stdout) => resolve(error?.message ?? stdout.trim()));
  });
}

/** Asks until the answer fits; throws the last answer after a minute. */
export async function askUntil(to: string, fits: RegExp, from?: string): Promise<string> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await ask(to, from);
    if (fits.test(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`${to} answers '${answer}', not ${fits}`);
    await delay(20);
  }
}
