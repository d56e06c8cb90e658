/** Routes of the node itself: whether it is well, and its end. */
import { type Call, type Route, sendJson } from './node-api.ts';

/** Answers while the agent serves at all. */
export const healthRoute: Route<Call> = {
  method: 'GET',
  path: /^\/healthz(\/.*)?$/,
  answer: async ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end('ok');
  },
};

/** `?containers=stop`: answers when all containers of the node are stopped and what it made is taken away. */
export const shutdownRoute = (shutDown: () => Promise<void>): Route<Call> => ({
  method: 'POST',
  path: /^\/shutdown$/,
  answer: async ({ response, query }) => {
    if (query.get('containers') === 'stop') await shutDown();
    sendJson(response, { stopped: true });
  },
});
