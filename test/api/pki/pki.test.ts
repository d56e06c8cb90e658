import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import t from 'tap';
import { parse } from 'yaml';
import { ensurePki, issueNodeCertificate, writeKubeconfig } from '#api/pki/pki.ts';

const snapshot = (dir: string) =>
  Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]));

t.test('every part gets a certificate that only its owner can read', async (t) => {
  const dir = join(t.testdir(), 'pki');
  await ensurePki({ dir, nodeNames: ['n1'], hosts: ['192.0.2.7'] });
  const names = ['admin', 'api-server', 'api-server-client', 'ca', 'controller', 'node-n1'];
  t.strictSame(
    readdirSync(dir).sort(),
    [
      ...names.flatMap((name) => [`${name}.crt`, `${name}.key`]),
      'encryption.json',
      'service-account.key',
      'service-account.pub',
    ].sort(),
  );
  for (const file of readdirSync(dir)) t.equal(statSync(join(dir, file)).mode & 0o777, 0o600, file);
  const subject = (name: string) =>
    new X509Certificate(readFileSync(join(dir, `${name}.crt`))).subject;
  t.equal(subject('admin'), 'O=system:masters\nCN=kubernetes-admin');
  t.equal(subject('node-n1'), 'O=system:nodes\nCN=system:node:n1');
  t.equal(subject('controller'), 'CN=system:kube-controller-manager');
});

t.test('a second run changes nothing', async (t) => {
  const dir = t.testdir();
  const options = { dir, nodeNames: ['n1'], hosts: ['192.0.2.7', '2001:db8::5'] };
  await ensurePki(options);
  const before = snapshot(dir);
  await ensurePki(options);
  t.strictSame(snapshot(dir), before);
});

t.test('only the certificate that lacks a host or is broken is made anew', async (t) => {
  const dir = t.testdir();
  await ensurePki({ dir, nodeNames: [], hosts: [] });
  const before = snapshot(dir);
  writeFileSync(join(dir, 'admin.crt'), (before['admin.crt'] ?? '').slice(0, 200));
  await ensurePki({ dir, nodeNames: [], hosts: ['api.example.com'] });
  const after = snapshot(dir);
  const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
  t.strictSame(changed.sort(), ['admin.crt', 'admin.key', 'api-server.crt', 'api-server.key']);
  const certificate = new X509Certificate(after['api-server.crt'] ?? '');
  t.equal(certificate.checkHost('api.example.com'), 'api.example.com');
});

t.test('a new authority makes every certificate anew', async (t) => {
  const dir = t.testdir();
  await ensurePki({ dir, nodeNames: [], hosts: [] });
  writeFileSync(join(dir, 'ca.crt'), 'broken');
  await ensurePki({ dir, nodeNames: [], hosts: [] });
  const authority = new X509Certificate(readFileSync(join(dir, 'ca.crt')));
  for (const name of ['admin', 'api-server', 'controller']) {
    const certificate = new X509Certificate(readFileSync(join(dir, `${name}.crt`)));
    t.ok(certificate.verify(authority.publicKey), name);
  }
});

t.test('two parts can speak mutual TLS with their certificates', async (t) => {
  const dir = t.testdir();
  await ensurePki({ dir, nodeNames: [], hosts: [] });
  const { certificate, key, ca } = await issueNodeCertificate({ dir, name: 'far', hosts: ['::1'] });
  const server = createServer(
    { cert: certificate, key, ca, requestCert: true, rejectUnauthorized: true },
    (socket) => socket.end(String(socket.getPeerCertificate().subject.CN)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const said = await new Promise<string>((resolve, reject) => {
    const socket = connect({
      port,
      servername: 'far',
      ca,
      cert: readFileSync(join(dir, 'api-server-client.crt')),
      key: readFileSync(join(dir, 'api-server-client.key')),
    });
    socket.on('data', (chunk) => resolve(String(chunk))).on('error', reject);
  });
  t.equal(said, 'kube-apiserver-kubelet-client');
});

t.test('the kubeconfig holds the credentials themselves', async (t) => {
  const dir = t.testdir();
  await ensurePki({ dir, nodeNames: [], hosts: [] });
  const file = (name: string) => join(dir, name);
  await writeKubeconfig({
    path: file('kubeconfig'),
    server: 'https://127.0.0.1:6443',
    ca: file('ca.crt'),
    cert: file('admin.crt'),
    key: file('admin.key'),
    clusterName: 'default',
  });
  t.equal(statSync(file('kubeconfig')).mode & 0o777, 0o600);
  const config = parse(readFileSync(file('kubeconfig'), 'utf8'));
  t.equal(config['current-context'], 'default');
  const { user } = config.users[0];
  const embedded = Buffer.from(user['client-certificate-data'], 'base64').toString();
  t.equal(embedded, readFileSync(file('admin.crt'), 'utf8'));
});
