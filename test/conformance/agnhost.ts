/**
 * What the profile's agnhost image does, in a container of busybox: this machine's own Node with the libraries that it has
 * loaded, shown to the container file by file.
 */
import { basename } from 'node:path';
import { shell } from './real-rig.ts';

interface Report {
  readonly sharedObjects: readonly string[];
}

const libraries = (process.report.getReport() as unknown as Report).sharedObjects.filter((file) =>
  /^\/(usr\/)?lib/.test(file),
);
const files = [process.execPath, ...libraries];
/** Away from where busybox would find them: they are not those it was made with. */
const place = '/agnhost';
const loader = libraries.map((file) => basename(file)).find((name) => name.startsWith('ld-'));
const program = [`${place}/${loader}`, '--library-path', place, `${place}/node`];

/** For the pod's `volumes`. */
export const volumes = files.map((path, i) => ({
  name: `file-${i}`,
  hostPath: { path, type: 'File' },
}));

const volumeMounts = files.map((path, i) => ({
  name: `file-${i}`,
  mountPath: `${place}/${basename(path)}`,
  readOnly: true,
}));

/** A container that runs a script of Node's. */
export const runs = (script: string) => ({
  command: [...program, '-e', script],
  volumeMounts,
});

/** One to ask from: `asks` is run in it. */
export const rests = { ...shell('sleep 1000'), volumeMounts };

/** Tells its own name over HTTP, and over UDP whatever comes. */
export const netexec = (http = 8080, udp = 8081) =>
  runs(`const { hostname } = require('node:os');
    require('node:http').createServer((_, out) => out.end(hostname())).listen(${http});
    const socket = require('node:dgram').createSocket('udp4');
    socket.on('message', (_, from) => socket.send(hostname(), from.port, from.address));
    socket.bind(${udp});`);

/** A gRPC server that is healthy. */
export const grpcHealth = (port: number) =>
  runs(`const server = require('node:http2').createServer();
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
    });
    server.listen(${port});`);

/** A shell's line that prints what a UDP server answers; nothing after a second. */
export const asksUdp = (host: string, port: number) =>
  `${program.join(' ')} -e "const s = require('node:dgram').createSocket('udp4');
    s.on('message', (text) => { console.log(String(text)); s.close(); });
    s.send('hostname', ${port}, '${host}');
    setTimeout(() => process.exit(), 1000);"`;
