/** Requests for certificates: PKCS #10 (RFC 2986), as PEM. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { SocketAddress } from 'node:net';
import type { Identity } from './certificate.ts';
import { contentOf, type DerValue, inside, oidOf, tags, valuesOf } from './der-reader.ts';

export interface SigningRequest {
  readonly subject: Identity;
  /** All parts of the name, in their order; `type` is an object identifier. */
  readonly attributes: readonly { readonly type: string; readonly value: string }[];
  /** The whole name, as DER. */
  readonly rawSubject: Buffer;
  readonly publicKey: KeyObject;
  readonly dnsNames: readonly string[];
  /** As text; one of no known length as hexadecimal figures. */
  readonly addresses: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  /** The extension's value: all the names above, as DER. */
  readonly rawNames: Buffer | undefined;
  /** Whether it was signed with the key that it is for. */
  isSigned(): boolean;
}

const pem = /^-----BEGIN ([A-Z ]+)-----\r?\n([A-Za-z0-9+/=\s]*?)-----END \1-----\s*$/;

/** The bytes of the one PEM block of this type. Throws `SyntaxError`. */
export function pemBytes(text: string, type: string): Buffer {
  const found = pem.exec(text.trim());
  if (found?.[1] !== type) throw new SyntaxError(`PEM block type must be ${type}`);
  return Buffer.from(found[2] ?? '', 'base64');
}

const oids = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  extensionRequest: '1.2.840.113549.1.9.14',
  alternativeName: '2.5.29.17',
};

/** The hash that each way to sign takes first; Ed25519 takes none. */
const hashes: Readonly<Record<string, string | null>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.3.101.112': null,
};

function attributesOf(name: DerValue): { type: string; value: string }[] {
  return inside(name, tags.sequence)
    .flatMap((set) => inside(set, tags.set))
    .map((attribute) => {
      const [type, value] = inside(attribute, tags.sequence);
      return { type: oidOf(type), value: value?.content.toString() ?? '' };
    });
}

function identity(attributes: SigningRequest['attributes']): Identity {
  const of = (id: string) => attributes.filter(({ type }) => type === id).map(({ value }) => value);
  return { commonName: of(oids.commonName).at(-1) ?? '', organizations: of(oids.organization) };
}

/** The shortest way to write it (RFC 5952). */
function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return bytes.toString('hex');
  const address = (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

/** The value of the extension for further names, if the request has attributes that ask for it. */
function namesIn(attributes: DerValue | undefined): Buffer | undefined {
  if (attributes === undefined) return undefined;
  for (const attribute of valuesOf(attributes.content)) {
    const [id, values] = inside(attribute, tags.sequence);
    if (oidOf(id) !== oids.extensionRequest) continue;
    const [extensions] = inside(values, tags.set);
    for (const extension of inside(extensions, tags.sequence)) {
      const [name, ...rest] = inside(extension, tags.sequence);
      if (oidOf(name) === oids.alternativeName) return contentOf(rest.at(-1), tags.octets);
    }
  }
  return undefined;
}

const nameTags = { email: 0x81, dns: 0x82, uri: 0x86, address: 0x87 };

/** Reads the request. Throws `SyntaxError` for what is none, or is for a key that is not known here. */
export function readSigningRequest(text: string): SigningRequest {
  const [whole, ...more] = valuesOf(pemBytes(text, 'CERTIFICATE REQUEST'));
  if (more.length > 0) throw new SyntaxError('asn1: trailing data');
  const [content, algorithm, signature] = inside(whole, tags.sequence);
  const [, name, key, attributes] = inside(content, tags.sequence);
  if (content === undefined || name === undefined || key === undefined) {
    throw new SyntaxError('asn1: the request is not whole');
  }
  const publicKey = keyOf(key.whole);
  const hash = hashes[oidOf(inside(algorithm, tags.sequence)[0])];
  // The first byte says how many bits of the last one do not count: none.
  const signed = contentOf(signature, tags.bits).subarray(1);
  const rawNames = namesIn(attributes);
  const names = rawNames === undefined ? [] : inside(valuesOf(rawNames)[0], tags.sequence);
  const contents = (tag: number) =>
    names.filter((one) => one.tag === tag).map(({ content: bytes }) => bytes);
  const texts = (tag: number) => contents(tag).map((text) => text.toString('latin1'));
  const parts = attributesOf(name);
  return {
    subject: identity(parts),
    attributes: parts,
    rawSubject: name.whole,
    publicKey,
    dnsNames: texts(nameTags.dns),
    addresses: contents(nameTags.address).map(addressText),
    emails: texts(nameTags.email),
    uris: texts(nameTags.uri),
    rawNames,
    isSigned: () => hash !== undefined && verify(hash, content.whole, publicKey, signed),
  };
}

function keyOf(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (cause) {
    throw new SyntaxError('x509: the public key cannot be read', { cause });
  }
}
