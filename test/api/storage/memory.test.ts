import t from 'tap';
import { createMemoryStorage } from '#api/storage/memory.ts';
import { storageSuite } from '../../suites/storage.ts';

storageSuite(t, async (t) => {
  const storage = createMemoryStorage();
  t.teardown(() => storage.close());
  return storage;
});
