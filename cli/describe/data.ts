/** The descriptions of ConfigMaps and Secrets. */
import { stringOr } from '#api/resources/json.ts';
import type { Subject } from './describe.ts';
import { pairsOf, type Writer } from './writer.ts';

const bytesOf = (base64: unknown): number => Buffer.from(stringOr(base64), 'base64').length;

function head(out: Writer, { object: { metadata } }: Subject): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace ?? '');
  out.labels('Labels', metadata.labels);
  out.annotations('Annotations', metadata.annotations);
}

export function describeConfigMap(out: Writer, subject: Subject): void {
  head(out, subject);
  out.line(0, '\nData\n====');
  for (const [key, value] of pairsOf(subject.object['data'])) {
    out.line(0, `${key}:\n----\n${value}\n`);
  }
  out.line(0, '\nBinaryData\n====');
  for (const [key, value] of pairsOf(subject.object['binaryData'])) {
    out.line(0, `${key}: ${bytesOf(value)} bytes`);
  }
  out.line(0, '');
}

/** Never what is in it. */
export function describeSecret(out: Writer, subject: Subject): void {
  head(out, subject);
  out.line(0, `\nType:\t${subject.object['type'] ?? ''}`);
  out.line(0, '\nData\n====');
  for (const [key, value] of pairsOf(subject.object['data'])) {
    out.field(0, key, `${bytesOf(value)} bytes`);
  }
}
