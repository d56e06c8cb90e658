/**
 * Node's HTTP/1.1. `import` of `node:http` looks at every export once, among them `WebSocket`, which loads the whole of
 * undici: 20 ms and 4 MB of each start for something nobody uses here.
 */
const http = process.getBuiltinModule('node:http');

export const { createServer, request, STATUS_CODES } = http;
