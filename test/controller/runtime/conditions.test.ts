import t from 'tap';
import {
  type Condition,
  isTrue,
  withCondition,
  withoutCondition,
} from '#controller/runtime/conditions.ts';

const ready = { type: 'Ready', status: 'True', reason: 'Fine', message: '' };
const other = { type: 'Other', status: 'False', lastTransitionTime: 'then' };

t.test('a new condition is added with the time', async (t) => {
  const held = withCondition([other], ready, 'now');
  t.strictSame(held, [other, { ...ready, lastTransitionTime: 'now' }]);
  t.ok(isTrue(held, 'Ready'));
  t.notOk(isTrue(held, 'Other'));
  t.notOk(isTrue(undefined, 'Ready'));
});

t.test('a condition that says nothing new leaves the very same list', async (t) => {
  const held = withCondition([other], ready, 'then');
  t.equal(withCondition(held, ready, 'now'), held);
});

t.test('the time of transition changes with the status alone', async (t) => {
  const held = withCondition<Condition>([], ready, 'then');
  const reworded = withCondition(held, { ...ready, message: 'still' }, 'now');
  t.match(reworded, [{ message: 'still', lastTransitionTime: 'then' }]);
  const turned = withCondition(held, { ...ready, status: 'False' }, 'now');
  t.match(turned, [{ status: 'False', lastTransitionTime: 'now' }]);
});

t.test('reason and message of the last state are not said of the next', async (t) => {
  const held = withCondition<Condition>([], { ...ready, message: 'not found' }, 'then');
  const turned = withCondition<Condition>(held, { type: 'Ready', status: 'True' }, 'now');
  t.strictSame(turned, [{ type: 'Ready', status: 'True', lastTransitionTime: 'then' }]);
  t.equal(withCondition<Condition>(turned, { type: 'Ready', status: 'True' }, 'now'), turned);
});

t.test('a condition is taken away, and a list without it stays itself', async (t) => {
  const held = [other];
  t.strictSame(withoutCondition(held, 'Other'), []);
  t.equal(withoutCondition(held, 'Ready'), held);
});
