/** Tokens for machines that join. */
import t from 'tap';
import { newBootstrap, parseToken } from '../../cli/join/token.ts';

t.test('a token is a pin and a bootstrap token', async (t) => {
  const pin = 'a1'.repeat(32);
  const { id, secret } = newBootstrap();
  t.match(id, /^[a-z0-9]{6}$/);
  t.match(secret, /^[a-z0-9]{16}$/);
  t.strictSame(parseToken(` ${pin}.${id}.${secret}\n`), { pin, bootstrap: `${id}.${secret}` });
  t.not(newBootstrap().secret, secret);
});

t.test('anything else is refused with where to get one', async (t) => {
  for (const text of ['', 'abcdef.0123456789abcdef', `${'g'.repeat(64)}.abcdef.0123456789abcdef`])
    t.throws(() => parseToken(text), { name: 'UsageError', message: /bay node-token/ });
});
