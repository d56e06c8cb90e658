/** Each thing that can be wrong with a keyless signature, in a table: one change, one reason. */
import t from 'tap';
import type { Keyless as KeylessSpec } from '#api/resources/image-policy.ts';
import { bundleEvidence } from '#node-agent/image/signature/bundle.ts';
import { judgeOf } from '#node-agent/image/signature/judge.ts';
import { simpleEvidence } from '#node-agent/image/signature/simple-signing.ts';
import { type Bundle, bundleOf, type Keyless, simpleKeyless } from '../../../support/cosign.ts';
import { ecPair, Fulcio, pem, Rekor } from '../../../support/sigstore.ts';

const digest = `sha256:${'1'.repeat(64)}` as const;
const fulcio = new Fulcio();
const rekor = new Rekor();
const holder = { issuer: 'https://accounts.example', subject: 'ann@example.com' };
const keyless: Keyless = { fulcio, rekor, holder, pair: ecPair() };
const spec: KeylessSpec = {
  identities: [holder],
  trustRoot: {
    certificates: fulcio.root,
    logKeys: pem(rekor.key.publicKey),
    certificateLogKeys: pem(fulcio.log.publicKey),
  },
};

const judged = (bundle: Buffer, over: Partial<KeylessSpec> = {}): string | undefined => {
  const evidence = bundleEvidence('here', bundle);
  if (evidence === undefined) return 'no signature';
  return judgeOf({ name: 'ci', keyless: { ...spec, ...over } }).refuse(evidence, [digest]);
};
const root = (over: Partial<KeylessSpec['trustRoot']>): Partial<KeylessSpec> => ({
  trustRoot: { ...spec.trustRoot, ...over },
});

t.test('a bundle as cosign writes it is good, whatever the size of the log', async (t) => {
  for (const others of [0, 1, 2, 3, 6, 7, 8, 30]) {
    const log = new Rekor(others);
    const trusted = root({ logKeys: pem(log.key.publicKey) });
    t.equal(judged(bundleOf(digest, { ...keyless, rekor: log }), trusted), undefined, `${others}`);
  }
});

t.test('patterns of identities', async (t) => {
  const bundle = bundleOf(digest, keyless);
  const { issuer } = holder;
  t.equal(judged(bundle, { identities: [{ issuer, subject: '*@example.com' }] }), undefined);
  const none = [
    { issuer, subject: 'bob@example.com' },
    { issuer: 'https://evil.example', subject: holder.subject },
    { issuer, subject: 'ann@example.com.evil' },
  ];
  t.match(judged(bundle, { identities: none }), /made by ann@example\.com \(https:\/\/accounts/);
});

t.test('what the policy does not trust, does not vouch', async (t) => {
  const bundle = bundleOf(digest, keyless);
  const [stranger, strangeLog] = [new Fulcio(), new Rekor()];
  t.match(judged(bundle, root({ certificates: stranger.root })), /no authority of the policy/);
  t.match(
    judged(bundle, root({ logKeys: pem(strangeLog.key.publicKey) })),
    /does not know the transparency log/,
  );
  t.match(
    judged(bundle, root({ certificateLogKeys: pem(stranger.log.publicKey) })),
    /no certificate transparency log of the policy knows/,
  );
  const { logKeys: _, ...without } = spec.trustRoot;
  t.match(judged(bundle, { trustRoot: without }), /the policy names no logKeys/);
});

const old = new Date(Date.now() - 3600_000);
const wrongSigners: Record<string, [Partial<Keyless>, RegExp]> = {
  'signed after the certificate ended': [
    { holder: { ...holder, from: old } },
    /its certificate was valid from .* to .*, not at/,
  ],
  'signed before the certificate began': [{ at: old }, /its certificate was valid from/],
  'a certificate for servers': [
    { holder: { ...holder, usage: '1.3.6.1.5.5.7.3.1' } },
    /its certificate is not for signing code/,
  ],
};
for (const [what, [change, reason]] of Object.entries(wrongSigners)) {
  t.test(what, async (t) => {
    t.match(judged(bundleOf(digest, { ...keyless, ...change })), reason);
  });
}

const entry = (bundle: Bundle) =>
  bundle.verificationMaterial.tlogEntries[0] as Record<string, unknown>;
const proof = (bundle: Bundle) => entry(bundle)['inclusionProof'] as Record<string, unknown>;
const another = JSON.parse(bundleOf(digest, { ...keyless, pair: ecPair() }).toString()) as Bundle;
const changes: Record<string, [(bundle: Bundle) => unknown, RegExp]> = {
  'no entry in a log': [
    (bundle) => (bundle.verificationMaterial.tlogEntries = []),
    /it has no entry in a transparency log/,
  ],
  'another time than the log promised': [
    (bundle) => (entry(bundle)['integratedTime'] = '1700000000'),
    /the promise of the transparency log is not signed by it/,
  ],
  'no promise, so that nothing signs the time': [
    (bundle) => delete entry(bundle)['inclusionPromise'],
    /nothing signs the time of its entry/,
  ],
  'neither promise nor proof': [
    (bundle) => {
      delete entry(bundle)['inclusionPromise'];
      delete entry(bundle)['inclusionProof'];
    },
    /neither a promise nor a proof/,
  ],
  'a proof of another place': [
    (bundle) => (proof(bundle)['logIndex'] = '0'),
    /the proof does not lead from its entry to the root/,
  ],
  'a proof too long': [
    (bundle) => (proof(bundle)['hashes'] as string[]).push('AAAA'),
    /the proof does not lead/,
  ],
  'a tree larger than the checkpoint’s': [
    (bundle) => (proof(bundle)['treeSize'] = '1e9'),
    /the proof does not lead/,
  ],
  'a checkpoint of somebody else': [
    (bundle) => {
      const checkpoint = proof(bundle)['checkpoint'] as { envelope: string };
      checkpoint.envelope = checkpoint.envelope.replace('rekor.test - 1', 'rekor.evil - 1');
    },
    /the checkpoint of the transparency log is not signed by it/,
  ],
  'an entry about another signature': [
    (bundle) =>
      (bundle.verificationMaterial.tlogEntries = another.verificationMaterial.tlogEntries),
    /its entry in the transparency log is about another signature/,
  ],
  'a certificate of another key': [
    (bundle) =>
      (bundle.verificationMaterial['certificate'] = another.verificationMaterial['certificate']),
    /not made with the key of its certificate/,
  ],
  'another payload than the signed one': [
    (bundle) => (bundle.dsseEnvelope['payload'] = Buffer.from('{}').toString('base64')),
    /not made with the key of its certificate/,
  ],
  'a type that was not signed': [
    (bundle) => (bundle.dsseEnvelope['payloadType'] = 'text/plain'),
    /no signature/,
  ],
};
for (const [what, [change, reason]] of Object.entries(changes)) {
  t.test(what, async (t) => t.match(judged(bundleOf(digest, keyless, { change })), reason));
}

t.test(
  'an attestation approves nothing, a bundle by a key is for policies with keys',
  async (t) => {
    const slsa = bundleOf(digest, keyless, { predicateType: 'https://slsa.dev/provenance/v1' });
    t.match(judged(slsa), /made for something that is no image/);
    const key = ecPair();
    const bundle = bundleOf(digest, keyless, { key });
    t.match(judged(bundle), /made with a key, without a certificate/);
    const evidence = bundleEvidence('here', bundle);
    t.ok(evidence);
    const judge = judgeOf({ name: 'key', key: pem(key.publicKey) });
    t.equal(evidence && judge.refuse(evidence, [digest]), undefined);
    t.match(evidence && judge.refuse(evidence, [`sha256:${'2'.repeat(64)}`]), /made for sha256:1/);
  },
);

t.test('cosign’s first form holds to the same', async (t) => {
  const judge = judgeOf({ name: 'ci', keyless: spec });
  const { payload, annotations } = simpleKeyless(digest, 'x', keyless);
  const good = simpleEvidence('here', payload, annotations);
  t.equal(judge.refuse(good, [digest]), undefined);
  const late = simpleKeyless(digest, 'x', { ...keyless, holder: { ...holder, from: old } });
  t.match(
    judge.refuse(simpleEvidence('here', late.payload, late.annotations), [digest]),
    /valid from/,
  );
  const mixed = {
    ...annotations,
    'dev.sigstore.cosign/bundle': late.annotations['dev.sigstore.cosign/bundle'] ?? '',
  };
  t.match(
    judge.refuse(simpleEvidence('here', payload, mixed), [digest]),
    /about another signature/,
  );
});

t.test('what is no bundle is told so', async (t) => {
  t.throws(() => bundleEvidence('here', Buffer.from('{')), { message: /is not JSON/ });
  t.throws(() => bundleEvidence('here', Buffer.from('{"mediaType":"x"}')), {
    message: /no bundle/,
  });
  const junk = bundleOf(digest, keyless, {
    change: (bundle) => (bundle.verificationMaterial['certificate'] = { rawBytes: 'AAAA' }),
  });
  t.throws(() => judged(junk));
});
