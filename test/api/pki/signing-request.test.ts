import t from 'tap';
import { readSigningRequest } from '#api/pki/signing-request.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { signingRequest } from '../../support/signing-request.ts';

t.test('a request says who it is for, by which names, and that its key signed it', async (t) => {
  const made = signingRequest({
    commonName: 'system:node:n1',
    organizations: ['system:nodes', 'others'],
    dnsNames: ['n1', 'n1.example.com'],
    uris: ['spiffe://a/b'],
  });
  const read = readSigningRequest(made.pem);
  t.same(read.subject, { commonName: 'system:node:n1', organizations: ['system:nodes', 'others'] });
  t.same(
    [read.dnsNames, read.uris, read.emails, read.addresses],
    [['n1', 'n1.example.com'], ['spiffe://a/b'], [], []],
  );
  t.same(
    read.attributes.map(({ value }) => value),
    ['system:nodes', 'others', 'system:node:n1'],
  );
  t.ok(read.publicKey.equals(made.publicKey));
  t.ok(read.isSigned());
  t.notOk(readSigningRequest(signingRequest({ forged: true }).pem).isSigned());
  t.equal(readSigningRequest(signingRequest().pem).rawNames, undefined);
});

t.test(
  'what is no request is a SyntaxError, whatever bytes of it are changed or cut',
  async (t) => {
    const { random, seed } = seededRandom();
    t.comment(`seed ${seed}`);
    const { pem } = signingRequest({ commonName: 'a', dnsNames: ['b'] });
    const wrong = ['', 'x', pem.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE'), `${pem}${pem}`];
    for (const text of wrong)
      t.throws(() => readSigningRequest(text), SyntaxError, text.slice(0, 30));
    const bytes = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64');
    const read = (changed: Buffer) => {
      const block = `CERTIFICATE REQUEST-----`;
      try {
        readSigningRequest(
          `-----BEGIN ${block}\n${changed.toString('base64')}\n-----END ${block}\n`,
        );
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    };
    t.doesNotThrow(() => {
      for (let length = 0; length < bytes.length; length++) read(bytes.subarray(0, length));
      for (let round = 0; round < 2000; round++) {
        const changed = Buffer.from(bytes);
        changed[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
        read(changed);
      }
    });
  },
);
