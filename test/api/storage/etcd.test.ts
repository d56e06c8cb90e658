import t from 'tap';
import { connectEtcd } from '#api/storage/etcd.ts';
import { storageSuite } from '../../suites/storage.ts';
import { startTestEtcd } from '../../support/etcd.ts';

const etcd = await startTestEtcd(t);
let stores = 0;

storageSuite(t, async (t) => {
  const storage = await connectEtcd({ endpoints: [etcd.endpoint], prefix: `/${++stores}` });
  t.teardown(() => storage.close());
  return storage;
});
