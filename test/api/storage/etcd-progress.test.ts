import { mock } from 'node:test';
import t from 'tap';
import { ProgressQuestion, tellsInOrder } from '#api/storage/etcd-progress.ts';

t.test('the versions whose answers can be taken at their word', async (t) => {
  for (const version of ['3.4.25', '3.4.37', '3.5.8', '3.5.30', '3.6.0', '3.6.0-rc.1', '4.0.0']) {
    t.ok(tellsInOrder(version), version);
  }
  for (const version of ['3.4.23', '3.4.0', '3.5.0', '3.5.7', '3.3.25', '']) {
    t.notOk(tellsInOrder(version), version);
  }
});

function question(t: { teardown(end: () => void): void }, inOrder: boolean) {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const sent = { count: 0 };
  const asked = new ProgressQuestion(inOrder, () => void sent.count++);
  return { asked, sent };
}

t.test('an answer in order counts at once', async (t) => {
  const { asked, sent } = question(t, true);
  asked.ask();
  t.equal(sent.count, 1);
  t.equal(asked.answered(7), 7);
});

t.test('any other counts when a second one follows with no event between', async (t) => {
  const { asked, sent } = question(t, false);
  asked.ask();
  asked.ask();
  t.equal(sent.count, 1, 'one question at a time');
  t.equal(asked.answered(7), undefined);
  mock.timers.tick(299);
  t.equal(sent.count, 1);
  mock.timers.tick(1);
  t.equal(sent.count, 2);
  t.equal(asked.answered(9), 7, 'what was said first');
});

t.test('an event between the two makes both worthless', async (t) => {
  const { asked, sent } = question(t, false);
  asked.ask();
  asked.answered(7);
  asked.forget();
  mock.timers.tick(1000);
  t.equal(sent.count, 1);
  t.equal(asked.answered(8), undefined, 'a late answer to nobody');
  asked.ask();
  t.equal(sent.count, 2);
});
