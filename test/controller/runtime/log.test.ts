import t from 'tap';
import { conflict, failure, StatusError } from '#api/resources/status.ts';
import { createLog, errorText, logRun } from '#controller/runtime/log.ts';

function setUp(least: 'debug' | 'info' = 'info') {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('test', least, (line) => lines.push(JSON.parse(line)));
  return { log, lines };
}

t.test('a line is JSON: time, level, part, a constant message and fields', async (t) => {
  const { log, lines } = setUp();
  log.info('pod started', { pod: 'a/b', ms: 3 });
  log.debug('not wanted');
  t.match(lines, [{ level: 'info', part: 'test', message: 'pod started', pod: 'a/b', ms: 3 }]);
  t.match(lines[0]?.['time'], /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

t.test('an error is told with its reason and its causes', async (t) => {
  t.equal(errorText(failure(409, 'Conflict', 'too late')), '409 Conflict: too late');
  const status = failure(503, 'ServiceUnavailable', 'GET /x').status;
  const error = new StatusError(status, { cause: new Error('ECONNREFUSED') });
  t.equal(errorText(error), '503 ServiceUnavailable: GET /x (because: ECONNREFUSED)');
  t.equal(errorText('just text'), 'just text');
});

t.test('a run is told as loudly as it deserves', async (t) => {
  const { log, lines } = setUp('debug');
  const run = { key: 'a/b', ms: 1.6, actions: [] };
  logRun(log, 'x', { ...run, actions: ['create pod'] });
  logRun(log, 'x', run);
  logRun(log, 'x', { ...run, error: new Error('no'), retryMs: 5.2 });
  logRun(log, 'x', { ...run, error: conflict({ group: '', plural: 'pods' }, 'b') });
  t.match(lines, [
    { level: 'info', controller: 'x', key: 'a/b', ms: 2, actions: ['create pod'] },
    { level: 'debug', message: 'reconciled' },
    { level: 'warn', message: 'reconcile failed', error: 'no', retryMs: 5 },
    { level: 'debug', message: 'reconcile was late' },
  ]);
});
