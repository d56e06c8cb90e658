import { Observable } from 'rxjs';
import t from 'tap';
import type { ApiEvent, ApiObject, Collection, List } from '#api/client/collection.ts';
import { configMaps } from '#api/resources/resource-types.ts';
import { expired, failure, StatusError } from '#api/resources/status.ts';
import { watchCollection } from '#controller/runtime/watch.ts';
import { flush, VirtualClock } from '../../support/virtual-clock.ts';

const object = (name: string, resourceVersion: string): ApiObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, resourceVersion },
});

type Answer = 'end' | Error | ApiEvent<ApiObject>;

/** A server that answers by script; when a script is used up, lists give nothing and watches stay open. */
function scripted(script: { lists?: (string | Error)[]; watches?: Answer[][] }) {
  const lists = [...(script.lists ?? [])];
  const watches = [...(script.watches ?? [])];
  const asked: string[] = [];
  let open = 0;
  const collection = {
    type: configMaps,
    list: async (): Promise<List<ApiObject>> => {
      asked.push('list');
      const answer = lists.shift() ?? '1';
      if (answer instanceof Error) throw answer;
      return { items: [], resourceVersion: answer };
    },
    watch: ({ resourceVersion = '' }) => {
      asked.push(`watch ${resourceVersion}`);
      const answers = watches.shift() ?? [];
      return new Observable<ApiEvent<ApiObject>>((subscriber) => {
        open += 1;
        queueMicrotask(() => {
          for (const answer of answers) {
            if (answer === 'end') subscriber.complete();
            else if (answer instanceof Error) subscriber.error(answer);
            else subscriber.next(answer);
          }
        });
        return () => {
          open -= 1;
        };
      });
    },
  } as unknown as Collection<ApiObject>;
  return { collection, asked, open: () => open };
}

function follow(script: Parameters<typeof scripted>[0]) {
  const clock = new VirtualClock();
  const server = scripted(script);
  const events: string[] = [];
  const problems: number[] = [];
  const following = watchCollection(server.collection, {
    clock,
    onProblem: (_, retryMs) => problems.push(retryMs),
  }).subscribe((event) => {
    events.push(
      event.type === 'replaced' ? event.type : `${event.type} ${event.object.metadata.name}`,
    );
  });
  return { clock, ...server, events, problems, following };
}

t.test('it lists, then watches from the version of the list', async (t) => {
  const { asked, events, clock } = follow({
    lists: ['7'],
    watches: [[{ type: 'ADDED', object: object('a', '8') }]],
  });
  await clock.advance(0);
  t.strictSame(asked, ['list', 'watch 7']);
  t.strictSame(events, ['replaced', 'applied a']);
});

t.test('a stream that ends after an event is resumed at once from the last version', async (t) => {
  const { asked, events, clock } = follow({
    lists: ['7'],
    watches: [[{ type: 'DELETED', object: object('a', '9') }, 'end']],
  });
  await clock.advance(0);
  t.strictSame(asked, ['list', 'watch 7', 'watch 9']);
  t.strictSame(events, ['replaced', 'deleted a']);
});

t.test('a bookmark moves the version and is not passed on', async (t) => {
  const { asked, events, clock } = follow({
    lists: ['7'],
    watches: [[{ type: 'BOOKMARK', resourceVersion: '50' }, 'end']],
  });
  await clock.advance(0);
  t.strictSame(asked, ['list', 'watch 7', 'watch 50']);
  t.strictSame(events, ['replaced']);
});

t.test('an expired version lists again at once, and backs off if that does not help', async (t) => {
  const gone = expired('too old resource version');
  const { asked, clock } = follow({ watches: [[gone], [gone], [gone]] });
  await clock.advance(0);
  t.strictSame(asked, ['list', 'watch 1', 'list', 'watch 1']);
  await clock.advance(1_600);
  t.strictSame(asked.length, 6);
});

t.test('a stream that ends without an event counts as a failure', async (t) => {
  const { asked, clock } = follow({ watches: Array(100).fill(['end']) });
  await clock.advance(60_000);
  t.ok(asked.length > 4 && asked.length < 12, `${asked.length} requests in a minute`);
});

t.test(
  'failures back off from 0.8 s to at most twice 30 s, and an event resets that',
  async (t) => {
    const broken = failure(500, 'InternalError', 'oops');
    const added: ApiEvent<ApiObject> = { type: 'ADDED', object: object('a', '9') };
    const { problems, clock } = follow({
      lists: Array(12).fill(broken),
      watches: [[added, broken], [broken]],
    });
    await clock.advance(3_600_000);
    t.ok((problems[0] ?? 0) >= 800 && (problems[0] ?? 0) <= 1_600);
    t.ok(problems.slice(0, 12).every((ms) => ms <= 60_000));
    t.ok((problems[11] ?? 0) >= 30_000);
    t.ok((problems[12] ?? 1e9) <= 1_600, 'short again after an event');
  },
);

t.test('a server that is not there yet is asked again after a few milliseconds', async (t) => {
  const { status } = failure(503, 'ServiceUnavailable', 'connect ECONNREFUSED');
  const refused = new StatusError(status, { cause: new Error('ECONNREFUSED') });
  const { events, problems, clock } = follow({ lists: Array(3).fill(refused) });
  await clock.advance(200);
  t.strictSame(events, ['replaced']);
  t.ok((problems[0] ?? 1e9) <= 30, `${problems[0]} ms`);
});

t.test('unsubscribing ends the request under way and all timers', async (t) => {
  const { open, following, clock, asked } = follow({});
  await clock.advance(0);
  t.equal(open(), 1);
  following.unsubscribe();
  await flush();
  t.equal(open(), 0);
  await clock.advance(100_000);
  t.equal(asked.length, 2);
  t.equal(clock.pending, 0);
});
