/**
 * What balancers ask at a Service's `healthCheckNodePort`: whether this node has endpoints of it. Answers are kube-proxy's
 * (`pkg/proxy/healthcheck`), at every address of the node.
 */
import { createServer, type Server, type ServerResponse } from 'node:http';

export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** Ready ones of this node. */
  readonly localEndpoints: number;
}

export interface HealthChecksOptions {
  /** Whether the node's table is what the cluster says. */
  readonly isHealthy: () => boolean;
  readonly log: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
}

/** A port that another program holds is tried again after so long. */
const retryMs = 5_000;
const headersMs = 10_000;

interface Open {
  check: HealthCheck;
  server: Server;
  timer?: NodeJS.Timeout;
}

export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #open = new Map<string, Open>();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** Takes the place of what the owner had; undefined: nothing answers for it any more. */
  put(owner: string, check: HealthCheck | undefined): void {
    const open = this.#open.get(owner);
    if (open !== undefined && check !== undefined && open.check.port === check.port) {
      open.check = check;
      return;
    }
    if (open !== undefined) shut(open);
    this.#open.delete(owner);
    if (check !== undefined) this.#open.set(owner, this.#serve(check));
  }

  close(): void {
    for (const open of this.#open.values()) shut(open);
    this.#open.clear();
  }

  #serve(check: HealthCheck): Open {
    const server = createServer({ headersTimeout: headersMs }, (_request, response) =>
      this.#answer(open.check, response),
    );
    const open: Open = { check, server };
    const listen = () => server.listen(check.port, '0.0.0.0');
    let isTold = false;
    server.on('error', (error) => {
      const { namespace, name, port } = open.check;
      if (!isTold) {
        const fields = { namespace, name, port, why: error.message, retryMs };
        this.#options.log.warn('no health check of a Service: is its port taken?', fields);
      }
      isTold = true;
      open.timer = setTimeout(listen, retryMs).unref();
    });
    server.unref();
    listen();
    return open;
  }

  #answer({ namespace, name, localEndpoints }: HealthCheck, response: ServerResponse): void {
    const serviceProxyHealthy = this.#options.isHealthy();
    const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy };
    response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
      'Content-Type': 'application/json',
      'X-Content-Type-Options': 'nosniff',
      'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
    });
    response.end(JSON.stringify(body, null, '\t'));
  }
}

/** The port is free at once; who is being answered is cut off. */
function shut({ server, timer }: Open): void {
  clearTimeout(timer);
  server.close();
  server.closeAllConnections();
}
