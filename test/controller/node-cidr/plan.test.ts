/** Nodes get the first free part of the pods' range. */
import t from 'tap';
import { freeCidr } from '../../../controller/node-cidr/plan.ts';

t.test('the first that nobody has, until all are taken', async (t) => {
  t.equal(freeCidr('10.244.0.0/16', new Set()), '10.244.0.0/24');
  t.equal(
    freeCidr('10.244.0.0/16', new Set(['', '10.244.0.0/24', '10.244.2.0/24'])),
    '10.244.1.0/24',
  );
  const all = new Set(Array.from({ length: 256 }, (_, i) => `10.244.${i}.0/24`));
  t.equal(freeCidr('10.244.0.0/16', all), undefined);
});
