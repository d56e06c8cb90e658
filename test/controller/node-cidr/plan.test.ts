/** Nodes get the first free part of the pods' range. */
import t from 'tap';
import { freeCidr, roomIn } from '../../../controller/node-cidr/plan.ts';

t.test('the first that nobody has, until all are taken', async (t) => {
  t.equal(freeCidr('10.244.0.0/16', new Set()), '10.244.0.0/24');
  t.equal(
    freeCidr('10.244.0.0/16', new Set(['', '10.244.0.0/24', '10.244.2.0/24'])),
    '10.244.1.0/24',
  );
  const all = new Set(Array.from({ length: 256 }, (_, i) => `10.244.${i}.0/24`));
  t.equal(freeCidr('10.244.0.0/16', all), undefined);
});

t.test('a range of another size has as many parts as fit, over the octets', async (t) => {
  t.equal(roomIn('10.244.0.0/16'), 256);
  t.equal(roomIn('10.244.4.0/22'), 4);
  t.equal(freeCidr('10.244.4.0/22', new Set(['10.244.4.0/24'])), '10.244.5.0/24');
  const four = new Set(Array.from({ length: 4 }, (_, i) => `10.244.${4 + i}.0/24`));
  t.equal(freeCidr('10.244.4.0/22', four), undefined);
  const half = new Set(Array.from({ length: 256 }, (_, i) => `10.244.${i}.0/24`));
  t.equal(freeCidr('10.244.0.0/15', half), '10.245.0.0/24');
});
