import t from 'tap';
import { secrets } from '#api/resources/resource-types.ts';
import type { Secret } from '#api/resources/types.ts';
import { bootstrapTokenController } from '#controller/bootstrap-token/controller.ts';
import { survivesCrashes, whole } from '../../support/crash.ts';
import { memoryApi } from '../../support/memory-collection.ts';

const old = Buffer.from('2020-01-01T00:00:00Z').toString('base64');
const token = (name: string, data: Record<string, string>, namespace = 'kube-system'): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'bootstrap.kubernetes.io/token',
  metadata: { name, namespace },
  data,
});

t.test('a crash at any write deletes the tokens whose time is over, and no other Secret', (t) =>
  survivesCrashes(
    t,
    {
      controllers: [bootstrapTokenController],
      api: () => {
        const api = memoryApi();
        for (const name of ['one', 'two', 'three'])
          api.seed(secrets, token(name, { expiration: old }));
        api.seed(secrets, token('foreign-lasting', {}));
        api.seed(secrets, token('foreign-elsewhere', { expiration: old }, 'default'));
        api.seed(secrets, {
          ...token('foreign-kind', { expiration: old }),
          type: 'Opaque',
        } as Secret);
        return api;
      },
      steps: [],
      picture: (api) => whole(api, secrets),
      foreign: /foreign/,
    },
    {
      writes: 3,
      end: [
        ['foreign-elsewhere', 'foreign-kind', 'foreign-lasting'].map((name) => ({
          metadata: { name },
        })),
      ],
    },
  ),
);
