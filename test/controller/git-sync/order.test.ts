import t from 'tap';
import { inStages } from '#controller/git-sync/order.ts';

t.test('what others need comes first', async (t) => {
  const kinds =
    'Thing Deployment ValidatingWebhookConfiguration Service ConfigMap RoleBinding Role StorageClass CustomResourceDefinition Namespace';
  const stages = inStages(kinds.split(' '), (kind) => ({ kind }));
  t.strictSame(stages, [
    ['Namespace'],
    ['CustomResourceDefinition'],
    ['StorageClass'],
    ['Role'],
    ['RoleBinding'],
    ['ConfigMap'],
    ['Service'],
    ['Thing', 'Deployment'],
    ['ValidatingWebhookConfiguration'],
  ]);
});
