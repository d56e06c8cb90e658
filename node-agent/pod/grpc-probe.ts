/** A gRPC health check (`grpc.health.v1.Health/Check`), the one call that probes make. */

const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const serving = 1;

/** gRPC's code of a method that the server does not have. */
const unimplemented = '12';

/** A server that answers with more than this is none of ours. */
const answerMax = 4096;

interface Target {
  readonly host: string;
  readonly port: number;
  /** Empty: the server as a whole. */
  readonly service: string;
}

interface Answer {
  readonly body: Buffer;
  readonly code: string;
  readonly message: string;
}

/** A message of one string or nothing, in gRPC's frame: not compressed, its length. */
function framed(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The status of a framed HealthCheckResponse: field 1, a number; left out where it is 0. */
function statusOf(body: Buffer): number {
  const message = body.subarray(5, 5 + (body.length < 5 ? 0 : body.readUInt32BE(1)));
  return message[0] === 0x08 ? (message[1] ?? 0) : 0;
}

/**
 * Resolves when the service is healthy.
 * @throws Error in kubelet's words when it is not, does not answer, or when the signal aborts first
 */
export async function checkGrpc(target: Target, signal: AbortSignal): Promise<void> {
  const { service } = target;
  if (Buffer.byteLength(service) > 127) {
    throw new Error(`gRPC probe: service ${JSON.stringify(service)} is longer than 127 bytes`);
  }
  const { body, code, message } = await call(target, signal);
  if (code === unimplemented) {
    throw new Error(
      `this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}`,
    );
  }
  if (code !== '0') throw new Error(`gRPC probe failed with code ${code}: ${message}`);
  const status = statusOf(body);
  if (status === serving) return;
  throw new Error(`service unhealthy (responded with "${statuses[status] ?? status}")`);
}

/** A message is written as in a URL; one that is not is shown as it is. */
function plain(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

async function call({ host, port, service }: Target, signal: AbortSignal): Promise<Answer> {
  const { connect } = await import('node:http2');
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const session = connect(`http://${authority}`);
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const abort = () =>
    reject(new Error(`timeout: failed to connect service "${authority}" or to have its answer`));
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  session.on('error', reject);
  session.on('close', () => reject(new Error(`${authority} closed the connection`)));
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'kube-probe/1.36',
  });
  let body = Buffer.alloc(0);
  // Without a message the code is told with the head.
  let told: Readonly<Record<string, unknown>> = {};
  const take = (headers: object) => {
    told = { ...told, ...headers };
  };
  stream.on('response', take);
  stream.on('trailers', take);
  stream.on('error', reject);
  stream.on('data', (chunk: Buffer) => {
    if (body.length < answerMax) body = Buffer.concat([body, chunk]);
  });
  stream.on('end', () => {
    const { 'grpc-status': code = 'unknown', 'grpc-message': message } = told;
    const why = message === undefined ? `HTTP status ${told[':status']}` : plain(String(message));
    resolve({ body, code: String(code), message: why });
  });
  stream.end(framed(service));
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    session.destroy();
  }
}
