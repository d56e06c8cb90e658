/**
 * Kubernetes' channel protocols over WebSocket: the first byte of a message names the stream.
 *
 *     0 stdin   1 stdout   2 stderr   3 error (v4 on: a Status)   4 resize {"Width":80,"Height":24}
 *     255 (v5): the next byte names a stream that the client has closed
 *
 * `base64.…` variants send text: the channel as a digit, then base64. Sources: KEP-4006,
 * staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go.
 */
import type { StatusCause } from '#api/resources/status.ts';

export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export interface ChannelProtocol {
  /** As the client named it; empty: it named none, and gets the first version. */
  readonly name: string;
  readonly encoding: 'binary' | 'base64';
  /** From version 4 on the error channel carries a Status, before that a text. */
  readonly version: number;
}

const known: readonly ChannelProtocol[] = [
  { name: 'v5.channel.k8s.io', encoding: 'binary', version: 5 },
  { name: 'v4.channel.k8s.io', encoding: 'binary', version: 4 },
  { name: 'v4.base64.channel.k8s.io', encoding: 'base64', version: 4 },
  { name: 'v3.channel.k8s.io', encoding: 'binary', version: 3 },
  { name: 'v2.channel.k8s.io', encoding: 'binary', version: 2 },
  { name: 'channel.k8s.io', encoding: 'binary', version: 1 },
  { name: 'base64.channel.k8s.io', encoding: 'base64', version: 1 },
];

/** The newest protocol among those offered; undefined when none is known. */
export function chooseProtocol(offered: readonly string[]): ChannelProtocol | undefined {
  if (offered.length === 0) return { name: '', encoding: 'binary', version: 1 };
  return known.find(({ name }) => offered.includes(name));
}

/** Over SPDY, newest first; a stream there is a channel here. */
export const spdyProtocols = [
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
];

/** What a SPDY protocol's name means for the error stream. */
export function overSpdy(name: string): ChannelProtocol {
  return known.find((one) => one.name === name) ?? { name, encoding: 'binary', version: 1 };
}

/** A message to the client. */
export function encodeMessage(
  protocol: ChannelProtocol,
  number: number,
  bytes: Buffer,
): Buffer | string {
  if (protocol.encoding === 'base64') return `${number}${bytes.toString('base64')}`;
  return Buffer.concat([Buffer.of(number), bytes]);
}

export interface ChannelMessage {
  readonly number: number;
  readonly bytes: Buffer;
}

/** A message from the client; undefined when it is empty or names no channel. */
export function decodeMessage(
  protocol: ChannelProtocol,
  message: Buffer,
): ChannelMessage | undefined {
  const first = message[0];
  if (first === undefined) return undefined;
  if (protocol.encoding === 'binary') return { number: first, bytes: message.subarray(1) };
  const number = first - 0x30;
  if (number < 0 || number > 9) return undefined;
  return { number, bytes: Buffer.from(message.toString('latin1', 1), 'base64') };
}

/** The last word on the error channel. */
export interface ExecStatus {
  readonly metadata: Record<string, never>;
  readonly status: 'Success' | 'Failure';
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: { readonly causes: readonly StatusCause[] };
}

/** How the command ended, as `kubectl exec` reads it. */
export function exitStatus(exitCode: number): ExecStatus {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

/** The stream broke for a reason of ours. */
export function failureStatus(message: string): ExecStatus {
  const text = `Internal error occurred: ${message}`;
  return { metadata: {}, status: 'Failure', reason: 'InternalError', message: text, code: 500 };
}

/** What goes over the error channel; before version 4 success says nothing and failure is a text. */
export function statusBytes(protocol: ChannelProtocol, status: ExecStatus): Buffer {
  if (protocol.version >= 4) return Buffer.from(JSON.stringify(status));
  return Buffer.from(status.status === 'Success' ? '' : (status.message ?? ''));
}

/** A resize message; undefined when it is not one. */
export function parseResize(bytes: Buffer): { columns: number; rows: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    const columns = Number(Width);
    const rows = Number(Height);
    const fits = (size: number) => Number.isInteger(size) && size > 0 && size < 65_536;
    return fits(columns) && fits(rows) ? { columns, rows } : undefined;
  } catch {
    return undefined;
  }
}
